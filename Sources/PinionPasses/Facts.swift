import PinionBase
import PinionGraph
import PinionTensor

/// What is known of each value of a graph, found node by node.
///
/// Where all inputs' types are known, the operators' own inference says what follows; elsewhere this file knows what the common
/// operators do with element types, ranks and single extents. Declarations inside the model are not trusted: they are not checked.
struct Facts {
  private var facts: [Fact]
  let symbols: Symbols

  /// - Parameter captured: the facts of captured values, in their order; nil for a main graph, whose inputs a session checks.
  init(_ graph: Graph, captured: [Fact]?, _ symbols: Symbols) {
    self.symbols = symbols
    facts = [Fact](repeating: Fact(), count: graph.values.count)
    if let captured {
      for (capture, fact) in zip(graph.captures, captured) { facts[capture.inner.index] = fact }
    } else {
      for input in graph.inputs { facts[input.index] = Fact(declared: graph[input].type, symbols) }
    }
    for (value, tensor) in graph.constants { facts[value.index] = Fact(constant: tensor) }
  }

  subscript(value: ValueID?) -> Fact {
    guard let value, value.index < facts.count else { return Fact() }
    return facts[value.index]
  }

  mutating func set(_ value: ValueID, _ fact: Fact) {
    while facts.count <= value.index { facts.append(Fact()) }
    facts[value.index] = fact
  }

  /// Finds the facts of the node's outputs.
  mutating func infer(_ node: Node, name: String, constants: [ValueID: Tensor]) {
    guard node.subgraphs.isEmpty else { return }
    let inputs = node.inputs.map { self[$0] }
    if let types = known(node, inputs, constants) {
      for (output, type) in zip(node.outputs, types) {
        guard let output else { continue }
        var fact = Fact(type)
        fact.values = Facts.values(name, node, inputs)
        set(output, fact)
      }
      return
    }
    guard let output = node.outputs.first ?? nil else { return }
    var fact = general(name, node, inputs) ?? Fact()
    fact.values = Facts.values(name, node, inputs)
    if fact.values == nil, fact.element == .int64, let dims = fact.dims, dims.count <= 1,
      case let count? = dims.isEmpty ? 1 : dims[0], (0...Fact.valueLimit).contains(count)
    {
      fact.values = [Int64?](repeating: nil, count: count)
    }
    set(output, fact)
  }

  private func known(_ node: Node, _ inputs: [Fact], _ constants: [ValueID: Tensor]) -> [TensorType]? {
    var types: [TensorType?] = []
    var values: [Tensor?] = []
    for (slot, input) in node.inputs.enumerated() {
      guard let input else {
        types.append(nil)
        values.append(nil)
        continue
      }
      guard let type = inputs[slot].type else { return nil }
      types.append(type)
      values.append(constants[input] ?? inputs[slot].tensor)
    }
    return try? node.op.outputTypes(InferenceContext(schema: node.schema, inputs: types, values: values, outputCount: node.outputs.count))
  }

  // MARK: Elements of shapes

  private static func values(_ name: String, _ node: Node, _ inputs: [Fact]) -> [Int64?]? {
    guard let first = inputs.first else { return nil }
    switch name {
    case "Shape":
      guard let dims = first.dims, dims.count <= Fact.valueLimit else { return nil }
      let range = shapeRange(node, rank: dims.count)
      return dims[range].map { $0.map(Int64.init) }
    case "Identity": return first.values
    case "Squeeze", "Unsqueeze":
      // Only between a scalar and a vector of one element.
      guard let values = first.values, values.count == 1 else { return nil }
      return values
    case "Cast": return node.attributes["to"] == .int(Int64(ElementType.int64.rawValue)) ? first.values : nil
    case "Concat":
      var result: [Int64?] = []
      for input in inputs {
        guard let values = input.values, result.count + values.count <= Fact.valueLimit else { return nil }
        result += values
      }
      return result
    case "Gather":
      guard let values = first.values, first.rank == 1, inputs.count > 1, let indices = inputs[1].values else { return nil }
      var result: [Int64?] = []
      for index in indices {
        guard let index, !Symbols.isSymbol(index) else {
          result.append(nil)
          continue
        }
        let position = index < 0 ? index &+ Int64(values.count) : index
        guard position >= 0, position < Int64(values.count) else { return nil }
        result.append(values[Int(position)])
      }
      return result
    case "Slice":
      guard let values = first.values, first.rank == 1, inputs.count > 2, let start = inputs[1].single, let end = inputs[2].single,
        inputs.count < 4 || node.inputs[3] == nil || inputs[3].single == 0,
        inputs.count < 5 || node.inputs[4] == nil || inputs[4].single == 1
      else { return nil }
      let count = Int64(values.count)
      func position(_ index: Int64) -> Int { Int(min(max(index < 0 ? index &+ count : index, 0), count)) }
      let from = position(start), to = position(end)
      return from < to ? Array(values[from..<to]) : []
    default: return nil
    }
  }

  /// The axes that a Shape looks at.
  static func shapeRange(_ node: Node, rank: Int) -> Range<Int> {
    func position(_ name: String, default value: Int) -> Int {
      guard case .int(let axis)? = node.attributes[name] else { return value }
      return Int(min(max(axis < 0 ? axis &+ Int64(rank) : axis, 0), Int64(rank)))
    }
    let start = position("start", default: 0)
    return start..<max(position("end", default: rank), start)
  }
}

extension Fact {
  /// The only element, where it is a number.
  var single: Int64? {
    guard let values, values.count == 1, let value = values[0], !Symbols.isSymbol(value) else { return nil }
    return value
  }
}
