import PinionBase
import PinionGraph
import PinionTensor

extension Graph {
  /// The graph with only those values that something defines, in the order of their definition. Subgraphs as well.
  func compacted() -> Graph {
    // Without limits nothing is thrown.
    (try? compacted(RunControl())) ?? self
  }

  /// - Parameter control: polled at each constant and node.
  /// - Throws: what the limits say.
  func compacted(_ control: RunControl) throws(PinionError) -> Graph {
    var poll = Poll(control)
    return try compacted(&poll)
  }

  private func compacted(_ poll: inout Poll) throws(PinionError) -> Graph {
    var result = Graph(name: name)
    var ids = [ValueID?](repeating: nil, count: values.count)
    func define(_ old: ValueID) -> ValueID {
      if let id = ids[old.index] { return id }
      let id = result.addValue(self[old].name, type: self[old].type)
      ids[old.index] = id
      return id
    }
    result.inputs = inputs.map(define)
    result.captures = captures.map { Capture(inner: define($0.inner), input: $0.input) }
    result.constants.reserveCapacity(constants.count)
    for value in constants.keys.sorted() {
      try poll.count(128)
      result.constants[define(value)] = constants[value]
    }
    // Written in place, once the nodes' records are copied all together.
    result.nodes = nodes
    for index in nodes.indices {
      try poll.count(128 &+ 8 &* nodes[index].inputs.count)
      result.nodes[index].inputs = nodes[index].inputs.map { $0.map(define) }
      result.nodes[index].outputs = nodes[index].outputs.map { $0.map(define) }
      guard !nodes[index].subgraphs.isEmpty else { continue }
      result.nodes[index].subgraphs = []
      for subgraph in nodes[index].subgraphs { result.nodes[index].subgraphs.append(try subgraph.compacted(&poll)) }
    }
    result.outputs = outputs.map(define)
    return result
  }
}
