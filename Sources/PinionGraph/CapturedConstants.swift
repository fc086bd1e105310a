import PinionTensor

extension Graph {
  /// Makes the constants among the values that subgraphs capture constants of these, at every depth.
  ///
  /// Only for a graph whose constants are settled: an initializer that a run may replace is one in the graph where it stands and a
  /// captured value in those below.
  public mutating func settleCapturedConstants() {
    for index in nodes.indices where !nodes[index].subgraphs.isEmpty {
      let node = nodes[index]
      var inputs = Array(node.inputs[..<node.formalInputCount])
      for number in node.subgraphs.indices {
        var subgraph = node.subgraphs[number]
        var captures: [Capture] = []
        for capture in subgraph.captures {
          let outer = node.inputs[capture.input]
          if let constant = outer.flatMap({ constants[$0] }) {
            subgraph.constants[capture.inner] = constant
            subgraph[capture.inner].type = .tensor(constant.element, dims: constant.shape.dims.map(Dimension.known))
          } else {
            captures.append(Capture(inner: capture.inner, input: inputs.count))
            inputs.append(outer)
          }
        }
        subgraph.captures = captures
        subgraph.settleCapturedConstants()
        nodes[index].subgraphs[number] = subgraph
      }
      nodes[index].inputs = inputs
    }
  }
}
