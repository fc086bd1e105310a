import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// An input of one truth value that decides branches, and what it is.
struct KnownInput: Hashable, Sendable {
  /// The place among the graph's inputs.
  let input: Int
  let isTrue: Bool
}

extension Graph {
  /// The most inputs that may decide branches of one graph.
  private static let decidingInputs = 3
  /// So many values may lie between them and a condition.
  private static let decidingValues = 64

  /// The inputs of one truth value each from which, with constants, the conditions of Ifs follow: `use_cache_branch` of decoders that are
  /// exported with and without a past in one file. None where there are more than a few.
  /// - Throws: what the limits of `control` say.
  func branchDecidingInputs(_ control: RunControl) throws(PinionError) -> [Int] {
    guard nodes.contains(where: { $0.op is If }) else { return [] }
    var poll = Poll(control)
    let places = Dictionary(inputs.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first }), producers = producers()
    var found: Set<Int> = []
    for node in nodes where node.op is If {
      guard let condition = node.inputs.first ?? nil else { continue }
      var seen: Set<ValueID> = [], open = [condition], deciding: Set<Int> = [], isTold = true
      while isTold, let value = open.popLast() {
        try poll.count(256)
        guard seen.insert(value).inserted, constants[value] == nil else { continue }
        if let place = places[value] {
          isTold = self[value].type.isTruthValue
          deciding.insert(place)
        } else if let producer = producers[value.index], nodes[producer].subgraphs.isEmpty, type(of: nodes[producer].op).isDeterministic,
          seen.count <= Graph.decidingValues
        {
          for case let input? in nodes[producer].inputs { open.append(input) }
        } else {
          isTold = false
        }
      }
      if isTold { found.formUnion(deciding) }
      guard found.count <= Graph.decidingInputs else { return [] }
    }
    return found.sorted()
  }

  /// Makes constants of inputs. Others that nobody reads take their places.
  mutating func know(_ known: [KnownInput]) throws(PinionError) {
    for known in known {
      guard inputs.indices.contains(known.input), case .tensor(.bool, let dims?)? = self[inputs[known.input]].type else {
        throw .internal("what is known of input \(known.input) is no truth value")
      }
      let value = inputs[known.input], tensor = try Tensor(vector: [known.isTrue])
      inputs[known.input] = addValue("", type: self[value].type)
      constants[value] = try tensor.reshaped(try Shape([Int](repeating: 1, count: dims.count)))
    }
  }
}

extension ValueType? {
  fileprivate var isTruthValue: Bool {
    guard case .tensor(.bool, let dims?)? = self else { return false }
    return dims.allSatisfy { if case .known(1) = $0 { true } else { false } }
  }
}
