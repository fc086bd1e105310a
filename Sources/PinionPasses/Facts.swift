import PinionBase
import PinionGraph
import PinionTensor

/// What is known of each value of a graph, found node by node.
///
/// Where all inputs' types are known, the operators' own inference says what follows, elsewhere their rules for facts. Declarations
/// inside the model are not trusted: they are not checked.
struct Facts {
  private var facts: [Fact]
  /// The types that the facts give, by value.
  private var types: [TensorType?]
  /// The element types of all values that have been known so far, by their raw values.
  private(set) var elements: Set<Int32> = []
  private var latest: ElementType?
  let symbols: Symbols

  /// Inputs of which a node's inference is told the values: those that decide shapes are among the first.
  private static let toldValues = 64

  /// Nothing is known yet.
  init(_ symbols: Symbols) {
    self.symbols = symbols
    facts = []
    types = []
  }

  /// Takes note of what is known before any node is looked at.
  /// - Parameter captured: the facts of captured values, in their order; nil for a main graph, whose inputs a session checks.
  /// - Throws: what the limits say.
  mutating func fill(_ graph: Graph, captured: [Fact]?, _ poll: inout Poll) throws(PinionError) {
    facts = [Fact](repeating: Fact(), count: graph.values.count)
    types = [TensorType?](repeating: nil, count: graph.values.count)
    if let captured {
      for (capture, fact) in zip(graph.captures, captured) {
        try poll.count(8)
        set(capture.inner, fact)
      }
    } else {
      for input in graph.inputs {
        try poll.count(32)
        set(input, Fact(declared: graph[input].type, symbols))
      }
    }
    var latest = Fact()
    for (value, tensor) in graph.constants {
      try poll.count(32)
      latest = Fact(constant: tensor, like: latest)
      set(value, latest, tensor.type)
    }
  }

  subscript(value: ValueID?) -> Fact {
    guard let value, value.index < facts.count else { return Fact() }
    return facts[value.index]
  }

  mutating func set(_ value: ValueID, _ fact: Fact) { set(value, fact, fact.type) }

  private mutating func set(_ value: ValueID, _ fact: Fact, _ type: TensorType?) {
    while facts.count <= value.index {
      facts.append(Fact())
      types.append(nil)
    }
    facts[value.index] = fact
    types[value.index] = type
    note(fact)
  }

  private mutating func note(_ fact: Fact) {
    guard let element = fact.element, element != latest else { return }
    latest = element
    elements.insert(element.rawValue)
  }

  /// Finds the facts of the outputs of a node without subgraphs.
  /// - Parameters:
  ///   - nodes: of which the one at `index` is meant, so that it need not be copied.
  ///   - constants: of the graph.
  ///   - hasChanged: called for each output of which other things are known than before.
  mutating func infer(_ nodes: [Node], _ index: Int, _ constants: ConstantTable, hasChanged: (ValueID) -> Void) {
    let types = known(nodes, index, constants)
    var rules: [Fact] = []
    // What the types do not tell is the values.
    if types?.contains(where: { ($0.element == .int64 || $0.element == .bool) && $0.rank <= 1 && Fact.hasValues($0.element, $0.dims) }) ?? true {
      rules = nodes[index].op.facts(
        FactContext(operands: nodes[index].inputs, facts: facts, constants: constants, outputCount: nodes[index].outputs.count, symbols: symbols))
    }
    for (slot, output) in nodes[index].outputs.enumerated() {
      guard let output else { continue }
      var fact = slot < rules.count ? rules[slot] : Fact()
      let type = types.flatMap { slot < $0.count ? $0[slot] : nil }
      if let type {
        fact.element = type.element
        fact.dims = type.extents
      }
      fact.settle()
      guard output.index >= facts.count || !fact.isSame(as: facts[output.index]) else { continue }
      // The number of values may tell an extent that was not known.
      set(output, fact, type ?? fact.type)
      hasChanged(output)
    }
  }

  /// The types of the node's outputs, where those of its inputs are known.
  private func known(_ nodes: [Node], _ index: Int, _ constants: ConstantTable) -> [TensorType]? {
    for case let operand? in nodes[index].inputs where type(of: operand) == nil { return nil }
    let operands = nodes[index].inputs, op = nodes[index].op
    var types: [TensorType?] = [], values: [Tensor?] = []
    types.reserveCapacity(operands.count)
    values.reserveCapacity(min(operands.count, Facts.toldValues))
    for (slot, operand) in operands.enumerated() {
      types.append(operand.flatMap { type(of: $0) })
      if slot < Facts.toldValues { values.append(operand.flatMap { constants[$0] ?? facts[$0.index].tensor }) }
    }
    return try? op.outputTypes(
      InferenceContext(schema: Swift.type(of: op).schema, inputs: types, values: values, outputCount: nodes[index].outputs.count))
  }

  private func type(of value: ValueID) -> TensorType? { value.index < types.count ? types[value.index] : nil }
}

extension Fact {
  func isSame(as other: Fact) -> Bool { element == other.element && dims == other.dims && values == other.values }
}
