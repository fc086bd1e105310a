import PinionBase
import PinionGraph
import PinionTensor

extension Graph {
  /// Checks what follows from kinds and element types alone: that subgraphs fit their nodes, and what operators with fewer element types
  /// than their schemas have take. A graph without such nodes is not looked at.
  ///
  /// What a model declares of a value counts where nothing else is known of it.
  /// - Parameter control: polled at each node and value.
  /// - Throws: `.invalidModel` and `.invalidShape`, with the node.
  public func checkElementTypes(_ control: RunControl = RunControl()) throws(PinionError) {
    guard nodes.contains(where: { !$0.subgraphs.isEmpty || $0.op.elementJudging != nil }) else { return }
    var poll = Poll(control)
    _ = try ElementTypes(self, captures: [], inputs: [], symbols: Symbols(), &poll)
  }
}

/// The kinds and element types of a graph's values.
private struct ElementTypes {
  private var types: [ValueType?]
  private let graph: Graph

  /// - Parameters:
  ///   - captures: what is known of each captured value.
  ///   - inputs: what follows for the inputs of a body that declares nothing.
  init(_ graph: Graph, captures: [ValueType?], inputs: [ValueType?], symbols: Symbols, _ poll: inout Poll) throws(PinionError) {
    self.graph = graph
    types = [ValueType?](repeating: nil, count: graph.values.count)
    for (index, value) in graph.inputs.enumerated() {
      types[value.index] = graph[value].type?.withoutExtents ?? (index < inputs.count ? inputs[index]?.withoutExtents : nil)
    }
    for (value, tensor) in graph.constants {
      try poll.count(8)
      types[value.index] = .tensor(tensor.element, dims: nil)
    }
    for (capture, type) in zip(graph.captures, captures) { types[capture.inner.index] = type }
    for node in graph.nodes {
      do throws(PinionError) {
        try poll.count(128 &+ 16 &* (node.inputs.count &+ node.outputs.count))
        let found = try outputTypes(node, symbols, &poll)
        for (slot, output) in node.outputs.enumerated() {
          guard let output else { continue }
          types[output.index] = (slot < found.count ? found[slot]?.withoutExtents : nil) ?? declared(node, slot) ?? graph[output].type?.withoutExtents
        }
      } catch {
        throw node.locate(error, inputTypes: Node.texts(ofInputs: node.inputs) { $0.flatMap { type($0)?.description } ?? "absent" })
      }
    }
  }

  private func type(_ value: ValueID) -> ValueType? { types[value.index] }

  private func element(_ input: ValueID?) -> ElementType? { input.flatMap { type($0)?.tensorElement } }

  /// What the operator's declaration alone says of an output.
  private func declared(_ node: Node, _ slot: Int) -> ValueType? {
    node.schema.element(ofOutput: slot, inputs: node.inputs.prefix(node.formalInputCount).map(element)).map { .tensor($0, dims: nil) }
  }

  private func outputTypes(_ node: Node, _ symbols: Symbols, _ poll: inout Poll) throws(PinionError) -> [ValueType?] {
    let own = node.inputs.prefix(node.formalInputCount)
    guard node.subgraphs.isEmpty else {
      let inputs = own.map { $0.flatMap(type) }
      var subgraphs: [SubgraphTypes] = []
      for graph in node.subgraphs {
        let inner = try ElementTypes(
          graph, captures: graph.captures.map { node.inputs[$0.input].flatMap(type) }, inputs: node.bodyInputs(inputs), symbols: symbols, &poll)
        subgraphs.append(SubgraphTypes(takes: graph.inputs.map(inner.type), gives: graph.outputs.map(inner.type)))
      }
      return try node.controlTypes(subgraphs, inputs: inputs)
    }
    try node.op.elementJudging?.check(elements: own.map(element))
    if Swift.type(of: node.op).runsOutsidePlans, let op = node.op as? any ValueTyping { return op.outputTypes(inputs: own.map { $0.flatMap(type) }) }
    let inputs = own.map { input in input.map { Fact(element: element($0)) } }
    return node.op.facts(FactContext(inputs: inputs, outputCount: node.outputs.count, symbols: symbols)).map { fact in
      fact.element.map { .tensor($0, dims: nil) }
    }
  }
}
