import PinionGraph
import PinionTensor

extension Graph {
  /// The graph with only those values that something defines, in the order of their definition. Subgraphs as well.
  func compacted() -> Graph {
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
    for (value, tensor) in constants.sorted(by: { $0.key < $1.key }) { result.constants[define(value)] = tensor }
    result.nodes.reserveCapacity(nodes.count)
    for var node in nodes {
      node.inputs = node.inputs.map { $0.map(define) }
      node.outputs = node.outputs.map { $0.map(define) }
      node.subgraphs = node.subgraphs.map { $0.compacted() }
      result.nodes.append(node)
    }
    result.outputs = outputs.map(define)
    return result
  }
}
