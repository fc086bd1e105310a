import PinionTensor

extension Graph {
  /// The graph with nodes of one subgraph in the place of a node that has it: what an If comes to once its condition is known.
  /// - Parameter choices: for each node to replace, by its index, which of its subgraphs. These take no inputs of their own and have an
  ///   output for each of the node's.
  /// - Returns: nil where a subgraph is not such. Nodes that only made what nobody reads any more are gone.
  public func replacing(_ choices: [Int: Int]) -> Graph? {
    var result = self
    result.nodes = []
    var forwarded: [ValueID: ValueID] = [:]
    for (index, node) in nodes.enumerated() {
      guard let choice = choices[index] else {
        result.nodes.append(node.reading(forwarded))
        continue
      }
      guard node.subgraphs.indices.contains(choice) else { return nil }
      let branch = node.subgraphs[choice], given = node.inputs.map { $0.map { forwarded[$0] ?? $0 } }
      guard branch.inputs.isEmpty, branch.outputs.count >= node.outputs.count else { return nil }
      var ids: [ValueID: ValueID] = [:]
      for capture in branch.captures {
        guard given.indices.contains(capture.input), let value = given[capture.input] else { return nil }
        ids[capture.inner] = value
      }
      for (position, info) in branch.values.enumerated() {
        let inner = ValueID(index: position)
        guard ids[inner] == nil else { continue }
        let value = result.addValue(info.name, type: info.type)
        ids[inner] = value
        if let constant = branch.constants[inner] { result.constants[value] = constant }
      }
      for var inner in branch.nodes {
        inner.inputs = inner.inputs.map { $0.flatMap { ids[$0] } }
        inner.outputs = inner.outputs.map { $0.flatMap { ids[$0] } }
        result.nodes.append(inner)
      }
      for (output, inner) in zip(node.outputs, branch.outputs) {
        if let output { forwarded[output] = ids[inner] }
      }
    }
    result.outputs = outputs.map { forwarded[$0] ?? $0 }
    result.dropUnread()
    return result
  }

  /// Drops the nodes of which no output is read, by nodes that stay or as an output of the graph, and that write to no state.
  private mutating func dropUnread() {
    var isRead = [Bool](repeating: false, count: values.count)
    for output in outputs { isRead[output.index] = true }
    var kept: [Node] = []
    for node in nodes.reversed() {
      guard node.op.stateAppending != nil || node.outputs.contains(where: { $0.map { isRead[$0.index] } ?? false }) else { continue }
      for case let input? in node.inputs { isRead[input.index] = true }
      kept.append(node)
    }
    nodes = kept.reversed()
  }
}

extension Node {
  /// The node with other values in the place of some inputs.
  fileprivate func reading(_ values: [ValueID: ValueID]) -> Node {
    guard !values.isEmpty, inputs.contains(where: { $0.map { values[$0] != nil } ?? false }) else { return self }
    var node = self
    node.inputs = inputs.map { $0.map { values[$0] ?? $0 } }
    return node
  }
}
