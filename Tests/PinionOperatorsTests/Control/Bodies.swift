import PinionGraph
import PinionOperators
import PinionTensor

/// Builds the body of a control-flow node.
struct Body {
  var graph = Graph()

  /// An input of the body.
  mutating func input(_ name: String) -> ValueID {
    let value = graph.addValue(name)
    graph.inputs.append(value)
    return value
  }

  /// The result of an operator with one output.
  mutating func add(_ name: String, _ inputs: [ValueID?], attributes: [String: AttributeValue] = [:]) throws -> ValueID {
    let output = graph.addValue("")
    graph.nodes.append(try OperatorCatalog().node(name, attributes: attributes, inputs: inputs, outputs: [output]))
    return output
  }

  mutating func constant(_ tensor: Tensor) -> ValueID { graph.addConstant(tensor) }

  /// Makes values the body's outputs; `types` declares them.
  mutating func returning(_ outputs: [ValueID], types: [ValueType?] = []) -> Graph {
    graph.outputs = outputs
    for (output, type) in zip(outputs, types) { graph[output].type = type }
    return graph
  }
}

/// A tensor's value.
func value<T: Element>(_ elements: [T], _ dims: [Int]) throws -> Value { .tensor(try tensor(elements, dims)) }

/// A copy of a tensor's elements.
func elements<T: Element>(_ tensor: Tensor, as type: T.Type = T.self) throws -> [T] {
  try withExtendedLifetime(tensor) { Array(try tensor.elements(as: T.self)) }
}
