import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionRuntime
import PinionTensor
import Testing

/// Runs a graph of one node on `inputs`, once on one thread and once on two, and checks that both agree.
/// - Parameters:
///   - constants: indices of inputs that the graph knows beforehand, as weights and axes mostly are.
///   - outputCount: how many outputs the node names.
func evaluate(
  _ name: String, domain: String = "", attributes: [String: AttributeValue] = [:], _ inputs: [Value?], constants: Set<Int> = [],
  outputCount: Int = 1, subgraphs: [Graph] = []
) throws -> [Value] {
  var graph = Graph()
  var operands: [ValueID?] = []
  var fed: [Value] = []
  for (index, input) in inputs.enumerated() {
    guard let input else {
      operands.append(nil)
      continue
    }
    if constants.contains(index), case .tensor(let tensor) = input {
      operands.append(graph.addConstant(tensor))
    } else {
      let value = graph.addValue("input\(index)")
      graph.inputs.append(value)
      operands.append(value)
      fed.append(input)
    }
  }
  let outputs = (0..<outputCount).map { graph.addValue("output\($0)") }
  graph.outputs = outputs
  graph.nodes = [
    try OperatorCatalog().node(
      name, domain: domain, name: "node", attributes: attributes, inputs: operands, outputs: outputs, subgraphs: subgraphs)
  ]
  var results: [[Value]] = []
  for threads in [1, 2] {
    let program = Program(
      graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: threads)), packed: PackedWeights())
    results.append(try program.run(fed, control: RunControl()))
  }
  for (a, b) in zip(results[0], results[1]) {
    if case .tensor(let x) = a, case .tensor(let y) = b { #expect(x.hasSameContents(as: y), "one and two threads disagree") }
  }
  expectDeclaredTypes(graph.nodes[0].schema, inputs, results[0])
  if subgraphs.isEmpty { try checkFacts(graph.nodes[0], inputs, constants: constants, results[0]) }
  return try results[0].map(ownText)
}

/// Expects outputs of element types that the schema admits and, where it tells them, of those.
private func expectDeclaredTypes(_ schema: Schema, _ inputs: [Value?], _ outputs: [Value]) {
  func element(_ value: Value?) -> ElementType? { if case .tensor(let tensor)? = value { tensor.element } else { nil } }
  for (index, output) in outputs.enumerated() {
    guard let found = element(output) else { continue }
    let declared = index < schema.outputs.count ? schema.outputs[index] : schema.outputs.last
    #expect(declared?.types.contains(found) == true, "\(schema.qualifiedName) gives \(found) as output \(index)")
    guard let told = schema.element(ofOutput: index, inputs: inputs.map(element)) else { continue }
    #expect(told == found, "\(schema.qualifiedName) gives \(found) as output \(index), its schema tells \(told)")
  }
}

/// The value with strings of its own: a program's elements may point into the text of its inputs, which a test may not keep.
private func ownText(_ value: Value) throws -> Value {
  guard case .tensor(let tensor) = value, tensor.element == .string else { return value }
  return .tensor(try Tensor(utf8: tensor.elements(as: StringElement.self).map { Array($0.bytes) }, tensor.shape))
}

/// The same for tensors and one output.
func evaluate(
  _ name: String, domain: String = "", attributes: [String: AttributeValue] = [:], _ inputs: [Tensor?], constants: Set<Int> = []
) throws -> Tensor {
  try evaluate(name, domain: domain, attributes: attributes, inputs.map { $0.map(Value.tensor) }, constants: constants)[0].asTensor()
}

/// A tensor from elements and extents.
func tensor<T: Element>(_ elements: [T], _ dims: [Int]) throws -> Tensor { try Tensor(elements, try Shape(dims)) }

/// Expects the shape and the elements.
func expect<T: Element & Equatable>(
  _ tensor: Tensor, _ elements: [T], _ dims: [Int], sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(tensor.shape.dims == dims, sourceLocation: sourceLocation)
  #expect(Array(try tensor.elements(as: T.self)) == elements, sourceLocation: sourceLocation)
}

/// Expects the shape, and the elements within `tolerance` of the larger magnitude of 1 and the element.
func expect(
  _ tensor: Tensor, near elements: [Float], _ dims: [Int], tolerance: Float = 1e-5, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(tensor.shape.dims == dims, sourceLocation: sourceLocation)
  let found = Array(try tensor.elements(as: Float.self))
  #expect(found.count == elements.count, sourceLocation: sourceLocation)
  for (a, b) in zip(found, elements) {
    #expect(a == b || (a.isNaN && b.isNaN) || abs(a - b) <= tolerance * max(1, abs(b)), sourceLocation: sourceLocation)
  }
}
