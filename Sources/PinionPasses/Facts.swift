import PinionBase
import PinionGraph
import PinionTensor

/// What is known of each value of a graph, found node by node.
///
/// Where all inputs' types are known, the operators' own inference says what follows, elsewhere their rules for facts. Declarations
/// inside the model are not trusted: they are not checked.
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
  mutating func infer(_ node: Node, constants: [ValueID: Tensor]) {
    guard node.subgraphs.isEmpty else { return }
    let inputs = node.inputs.map { $0.map { self[$0] } }
    let types = known(node, inputs, constants)
    var rules: [Fact] = []
    // What the types do not tell is the values.
    if types?.contains(where: { Fact.hasValues($0.element, $0.dims) }) ?? true {
      rules = node.op.facts(
        FactContext(
          inputs: inputs, constants: node.inputs.map { $0.flatMap { constants[$0] } }, outputCount: node.outputs.count, symbols: symbols))
    }
    for (slot, output) in node.outputs.enumerated() {
      guard let output else { continue }
      var fact = slot < rules.count ? rules[slot] : Fact()
      if let types, slot < types.count {
        fact.element = types[slot].element
        fact.dims = types[slot].dims
      }
      set(output, fact.consistent)
    }
  }

  private func known(_ node: Node, _ inputs: [Fact?], _ constants: [ValueID: Tensor]) -> [TensorType]? {
    var types: [TensorType?] = []
    var values: [Tensor?] = []
    for (slot, input) in inputs.enumerated() {
      guard let input else {
        types.append(nil)
        values.append(nil)
        continue
      }
      guard let type = input.type else { return nil }
      types.append(type)
      values.append(node.inputs[slot].flatMap { constants[$0] } ?? input.tensor)
    }
    return try? node.op.outputTypes(InferenceContext(schema: node.schema, inputs: types, values: values, outputCount: node.outputs.count))
  }
}
