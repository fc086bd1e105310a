import PinionBase
import PinionGraph
import PinionTensor

/// What is known of the subgraphs of a node: the types of what they take and give.
public struct SubgraphTypes: Sendable {
  public let takes: [ValueType?]
  public let gives: [ValueType?]

  public init(takes: [ValueType?], gives: [ValueType?]) {
    self.takes = takes
    self.gives = gives
  }
}

extension Node {
  /// The types of what an operator with subgraphs gives; an empty list for one without a rule of its own.
  /// - Parameters:
  ///   - subgraphs: those of the node, in order.
  ///   - inputs: the types of the node's own inputs, as far as they are known.
  /// - Throws: `.invalidModel` and `.invalidShape` where subgraphs do not fit the node, whatever is not known.
  public func controlTypes(_ subgraphs: [SubgraphTypes], inputs: [ValueType?]) throws(PinionError) -> [ValueType?] {
    guard subgraphs.count == self.subgraphs.count else { return [] }
    let rules = ControlRules(node: self, subgraphs: subgraphs)
    switch (schema.domain, schema.name) {
    case ("", "If"): return try rules.branches()
    case ("", "Loop"): return try rules.loop(inputs)
    case ("", "Scan"): return try rules.scan(inputs)
    case ("", "SequenceMap"): return (subgraphs.first?.gives ?? []).map { type in type.map { ValueType.sequence($0.withoutExtents) } }
    default: return []
    }
  }

  /// What a body's inputs are by the node's own, where the body does not say: kinds and element types.
  public func bodyInputs(_ inputs: [ValueType?]) -> [ValueType?] {
    let own = inputs.map { $0?.withoutExtents }
    switch schema.name {
    case "Loop": return [.tensor(.int64, dims: []), .tensor(.bool, dims: [])] + own.dropFirst(2)
    case "Scan": return own
    case "SequenceMap": return own.map { $0?.elementOfSequence ?? $0 }
    default: return []
    }
  }
}

/// The rules of one node.
private struct ControlRules {
  let node: Node
  let subgraphs: [SubgraphTypes]

  func branches() throws(PinionError) -> [ValueType?] {
    guard subgraphs.count == 2, let first = place("then_branch"), let second = place("else_branch"), first != second else {
      throw .invalidModel("If has \(subgraphs.count) subgraphs, expected 2")
    }
    guard subgraphs.allSatisfy(\.takes.isEmpty) else { throw .invalidModel("a branch has inputs, expected none: it uses values of the graph around") }
    let (one, other) = (subgraphs[first].gives, subgraphs[second].gives)
    guard one.count == other.count else {
      throw .invalidModel("the branches have \(one.count) and \(other.count) outputs, expected as many of both")
    }
    try checkCount(one.count)
    var types: [ValueType?] = []
    for (index, (a, b)) in zip(one, other).enumerated() {
      guard let a, let b else {
        types.append(a ?? b)
        continue
      }
      guard let common = a.common(with: b) else {
        throw .invalidShape("output \(index) is \(a)\(output(index, of: first)) of then_branch and \(b)\(output(index, of: second)) of else_branch")
      }
      types.append(common)
    }
    return types
  }

  func loop(_ inputs: [ValueType?]) throws(PinionError) -> [ValueType?] {
    let takes = subgraphs.first?.takes ?? [], gives = subgraphs.first?.gives ?? []
    let carried = Array(inputs.dropFirst(2))
    guard takes.count == 2 + carried.count else {
      throw .invalidModel("the body has \(takes.count) inputs, expected \(2 + carried.count): iteration, condition and \(carried.count) carried")
    }
    guard gives.count >= 1 + carried.count else {
      throw .invalidModel("the body has \(gives.count) outputs, expected at least \(1 + carried.count): condition and \(carried.count) carried")
    }
    try check(takes[0], isOf: .int64, "the body's first input, the iteration,")
    try check(takes[1], isOf: .bool, "the body's second input, the condition,")
    try check(gives[0], isOf: .bool, "the body's first output, the condition,")
    try checkCount(gives.count - 1)
    var types: [ValueType?] = []
    for (index, initial) in carried.enumerated() { types.append(try carriedType(initial, index, input: 2 + index, output: 1 + index)) }
    for type in gives.dropFirst(1 + carried.count) { types.append(try stacked(type, .unknown, axis: 0)) }
    return types
  }

  func scan(_ inputs: [ValueType?]) throws(PinionError) -> [ValueType?] {
    let takes = subgraphs.first?.takes ?? [], gives = subgraphs.first?.gives ?? []
    var inputs = inputs
    // With a batch in front, extents are other ones inside; there may be the lengths of sequences before the states.
    let batch: Int64 = if case .int(let batch)? = node.attributes["batch"] { batch } else { 0 }
    if batch == 2, !inputs.isEmpty { inputs.removeFirst() }
    if batch != 0 { inputs = inputs.map { $0?.withoutExtents } }
    guard case .int(let number)? = node.attributes["num_scan_inputs"], let count = Int(exactly: number), (0...inputs.count).contains(count) else {
      throw .invalidModel("the node has \(inputs.count) inputs, fewer than are to be scanned")
    }
    guard takes.count == inputs.count else { throw .invalidModel("the body has \(takes.count) inputs, expected \(inputs.count)") }
    let states = inputs.count - count
    guard gives.count >= states else { throw .invalidModel("the body has \(gives.count) outputs, expected at least \(states)") }
    try checkCount(gives.count)
    var types: [ValueType?] = []
    for index in 0..<states { types.append(try carriedType(inputs[index], index, input: index, output: index)) }
    var length = Dimension.unknown
    let axes: [Int64] = if case .ints(let axes)? = node.attributes["scan_input_axes"] { axes } else { [] }
    for index in 0..<count {
      guard case .tensor(let element, let dims)? = inputs[states + index] else { continue }
      try check(takes[states + index], isOf: element, "the body's input \(states + index)\(input(states + index, of: 0)), an item of scan input \(index),")
      guard let dims else { continue }
      guard let axis = dims.position(ofAxis: axes.isEmpty ? 0 : axes[index]) else {
        throw .invalidShape("scan input \(index) is \(ValueType.tensor(element, dims: dims)), which has no axis \(axes.isEmpty ? 0 : axes[index])")
      }
      if case .unknown = length { length = dims[axis] }
    }
    let places: [Int64] = if case .ints(let axes)? = node.attributes["scan_output_axes"] { axes } else { [] }
    for (index, type) in gives.dropFirst(states).enumerated() {
      let type = batch == 0 ? type : type?.withoutExtents
      types.append(try stacked(type, length, axis: index < places.count ? places[index] : 0))
    }
    return types
  }

  /// The type of a value that is carried from run to run of a body.
  private func carriedType(_ initial: ValueType?, _ index: Int, input: Int, output: Int) throws(PinionError) -> ValueType? {
    let given = subgraphs[0].gives[output]
    for (type, when) in [(subgraphs[0].takes[input], "as the body's input\(self.input(input, of: 0))"), (given, "as the body's output\(self.output(output, of: 0))")] {
      guard let initial, let type, initial.carriedKind != type.carriedKind else { continue }
      throw .invalidShape("carried value \(index) is \(initial) at first and \(type) \(when)")
    }
    guard let initial, let given else { return initial ?? given }
    return initial.common(with: given) ?? initial
  }

  private func check(_ type: ValueType?, isOf element: ElementType, _ what: String) throws(PinionError) {
    guard let type, type.tensorElement != element else { return }
    throw .invalidShape("\(what) is \(type), expected \(element)")
  }

  private func checkCount(_ given: Int) throws(PinionError) {
    guard node.outputs.count <= given else { throw .invalidModel("the node has \(node.outputs.count) outputs, its subgraphs give \(given)") }
  }

  private func stacked(_ type: ValueType?, _ length: Dimension, axis: Int64) throws(PinionError) -> ValueType? {
    guard case .tensor(let element, let dims)? = type else {
      if let type { throw .invalidShape("a scan output is \(type), expected a tensor") }
      return nil
    }
    guard var dims else { return .tensor(element, dims: nil) }
    let place = axis < 0 ? axis &+ Int64(dims.count + 1) : axis
    guard place >= 0, place <= Int64(dims.count) else { throw .invalidShape("a scan output has no axis \(axis)") }
    dims.insert(length, at: Int(place))
    return .tensor(element, dims: dims)
  }

  // MARK: Names

  /// Which of the node's subgraphs an attribute is.
  private func place(_ attribute: String) -> Int? {
    guard case .graph(let index)? = node.attributes[attribute], subgraphs.indices.contains(index) else { return nil }
    return index
  }

  /// ` ('name')`, or nothing for a value without one.
  private func input(_ index: Int, of subgraph: Int) -> String { name(node.subgraphs[subgraph].inputs, index, subgraph) }
  private func output(_ index: Int, of subgraph: Int) -> String { name(node.subgraphs[subgraph].outputs, index, subgraph) }

  private func name(_ values: [ValueID], _ index: Int, _ subgraph: Int) -> String {
    guard values.indices.contains(index) else { return "" }
    let name = node.subgraphs[subgraph][values[index]].name
    return name.isEmpty ? "" : " ('\(name)')"
  }
}

extension ValueType {
  /// The kind and the element types alone.
  public var withoutExtents: ValueType {
    switch self {
    case .tensor(let element, _): .tensor(element, dims: nil)
    case .sequence(let type): .sequence(type.withoutExtents)
    case .optional(let type): .optional(type.withoutExtents)
    case .map(let key, let value): .map(key: key, value: value.withoutExtents)
    }
  }

  /// By what a carried value has to stay the same. One that may be absent at first may be there later.
  fileprivate var carriedKind: ValueType {
    if case .optional(let content) = self { content.withoutExtents } else { withoutExtents }
  }
}
