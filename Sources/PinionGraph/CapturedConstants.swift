import PinionBase
import PinionTensor

extension Graph {
  /// Makes the constants among the values that subgraphs capture constants of these, at every depth.
  ///
  /// Only for a graph whose constants are settled: an initializer that a run may replace is one in the graph where it stands and a
  /// captured value in those below.
  ///
  /// - Parameter control: polled at each node and captured value.
  /// - Throws: what the limits say.
  public mutating func settleCapturedConstants(_ control: RunControl) throws(PinionError) {
    var poll = Poll(control)
    try settleCapturedConstants(&poll)
  }

  private mutating func settleCapturedConstants(_ poll: inout Poll) throws(PinionError) {
    for index in nodes.indices {
      try poll.count()
      guard !nodes[index].subgraphs.isEmpty else { continue }
      let node = nodes[index]
      var inputs = Array(node.inputs[..<node.formalInputCount])
      for number in node.subgraphs.indices {
        var subgraph = node.subgraphs[number]
        var captures: [Capture] = []
        for capture in subgraph.captures {
          try poll.count(64)
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
        try subgraph.settleCapturedConstants(&poll)
        nodes[index].subgraphs[number] = subgraph
      }
      nodes[index].inputs = inputs
    }
  }
}
