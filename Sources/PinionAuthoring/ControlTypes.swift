import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The types of what operators with subgraphs give, and what their subgraphs have to be.
extension KnownTypes {
  /// - Parameter inputs: the types of the node's own inputs.
  func controlTypes(_ node: Node, _ subgraphs: [KnownTypes], inputs: [ValueType?]) throws(PinionError) -> [ValueType?] {
    guard subgraphs.count == node.subgraphs.count else { return [] }
    let outputs = node.subgraphs.indices.map { index in node.subgraphs[index].outputs.map(subgraphs[index].type) }
    let takes = node.subgraphs.indices.map { index in node.subgraphs[index].inputs.map(subgraphs[index].type) }
    switch (node.schema.domain, node.schema.name) {
    case ("", "If"): return try branches(node, outputs, takes)
    case ("", "Loop"): return try loop(node, outputs.first ?? [], takes.first ?? [], inputs)
    case ("", "Scan"): return try scan(node, outputs.first ?? [], takes.first ?? [], inputs)
    case ("", "SequenceMap"):
      return (outputs.first ?? []).map { type in type.map { ValueType.sequence($0.withoutExtents) } }
    default: return []
    }
  }

  private func branches(_ node: Node, _ outputs: [[ValueType?]], _ takes: [[ValueType?]]) throws(PinionError) -> [ValueType?] {
    guard outputs.count == 2 else { throw .invalidModel("If has \(outputs.count) subgraphs, expected 2") }
    guard takes.allSatisfy(\.isEmpty) else { throw .invalidModel("a branch has inputs, expected none: it uses values of the graph around") }
    guard outputs[0].count == outputs[1].count else {
      throw .invalidModel("the branches have \(outputs[0].count) and \(outputs[1].count) outputs, expected as many of both")
    }
    try checkCount(node.outputs.count, outputs[0].count)
    var types: [ValueType?] = []
    for (index, (first, second)) in zip(outputs[0], outputs[1]).enumerated() {
      guard let first, let second else {
        types.append(first ?? second)
        continue
      }
      guard let common = first.common(with: second) else {
        throw .invalidShape("output \(index) is \(first) of one branch and \(second) of the other")
      }
      types.append(common)
    }
    return types
  }

  private func loop(
    _ node: Node, _ gives: [ValueType?], _ takes: [ValueType?], _ inputs: [ValueType?]
  ) throws(PinionError) -> [ValueType?] {
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
    try checkCount(node.outputs.count, gives.count - 1)
    var types: [ValueType?] = []
    for (index, initial) in carried.enumerated() {
      types.append(try carriedType(initial, takes[2 + index], gives[1 + index], index))
    }
    for type in gives.dropFirst(1 + carried.count) { types.append(try stacked(type, .unknown, axis: 0)) }
    return types
  }

  private func scan(
    _ node: Node, _ gives: [ValueType?], _ takes: [ValueType?], _ inputs: [ValueType?]
  ) throws(PinionError) -> [ValueType?] {
    guard case .int(let number)? = node.attributes["num_scan_inputs"], let count = Int(exactly: number), (0...inputs.count).contains(count) else {
      throw .invalidModel("the node has \(inputs.count) inputs, fewer than are to be scanned")
    }
    guard takes.count == inputs.count else { throw .invalidModel("the body has \(takes.count) inputs, expected \(inputs.count)") }
    let states = inputs.count - count
    guard gives.count >= states else { throw .invalidModel("the body has \(gives.count) outputs, expected at least \(states)") }
    try checkCount(node.outputs.count, gives.count)
    var types: [ValueType?] = []
    for index in 0..<states { types.append(try carriedType(inputs[index], takes[index], gives[index], index)) }
    var length = Dimension.unknown
    let axes: [Int64] = if case .ints(let axes)? = node.attributes["scan_input_axes"] { axes } else { [] }
    for index in 0..<count {
      guard case .tensor(let element, let dims?)? = inputs[states + index] else { continue }
      try check(takes[states + index], isOf: element, "the body's input \(states + index)")
      guard let axis = dims.position(ofAxis: axes.isEmpty ? 0 : axes[index]) else {
        throw .invalidShape("scan input \(index) is \(ValueType.tensor(element, dims: dims)), which has no axis \(axes.isEmpty ? 0 : axes[index])")
      }
      if case .unknown = length { length = dims[axis] }
    }
    let places: [Int64] = if case .ints(let axes)? = node.attributes["scan_output_axes"] { axes } else { [] }
    for (index, type) in gives.dropFirst(states).enumerated() {
      types.append(try stacked(type, length, axis: index < places.count ? places[index] : 0))
    }
    return types
  }

  /// The type of a value that is carried from run to run of a body.
  private func carriedType(
    _ initial: ValueType?, _ taken: ValueType?, _ given: ValueType?, _ index: Int
  ) throws(PinionError) -> ValueType? {
    for (type, when) in [(taken, "as the body's input"), (given, "as the body's output")] {
      guard let initial, let type, initial.withoutExtents != type.withoutExtents else { continue }
      throw .invalidShape("carried value \(index) is \(initial) at first and \(type) \(when)")
    }
    guard let initial, let given else { return initial ?? given }
    return initial.common(with: given) ?? initial
  }

  private func check(_ type: ValueType?, isOf element: ElementType, _ what: String) throws(PinionError) {
    guard let type, type.tensorElement != element else { return }
    throw .invalidShape("\(what) is \(type), expected \(element)")
  }

  private func checkCount(_ named: Int, _ given: Int) throws(PinionError) {
    guard named <= given else { throw .invalidModel("the node has \(named) outputs, its subgraphs give \(given)") }
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
}

extension ValueType {
  /// The kind and the element types alone.
  var withoutExtents: ValueType {
    switch self {
    case .tensor(let element, _): .tensor(element, dims: nil)
    case .sequence(let type): .sequence(type.withoutExtents)
    case .optional(let type): .optional(type.withoutExtents)
    case .map(let key, let value): .map(key: key, value: value.withoutExtents)
    }
  }
}
