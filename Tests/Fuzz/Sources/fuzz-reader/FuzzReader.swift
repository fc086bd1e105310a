import PinionBase
import PinionImport

@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
  _ argumentCount: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Reads arbitrary bytes as each message a file can hold, and decodes every tensor in it. The reader may refuse; it may not trap,
/// read outside the bytes, or build more than its limits allow.
@main struct FuzzReader {
  static func main() {
    var argumentCount = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    _ = runFuzzer(&argumentCount, &arguments) { bytes, count in
      FuzzReader.read(UnsafeRawBufferPointer(start: bytes, count: count))
      return 0
    }
  }

  static func read(_ bytes: UnsafeRawBufferPointer) {
    guard let file = try? FileMapping(borrowing: bytes) else { return }
    if let model = try? ONNXModel(parsing: file) { visit(model) }
    if let tensor = try? ONNXTensor(parsing: file) { visit(tensor) }
    if let sequence = try? ONNXSequence(parsing: file) { visit(sequence) }
    if let optional = try? ONNXOptional(parsing: file) { visit(optional) }
    if let map = try? ONNXMap(parsing: file), let values = map.values { visit(values) }
  }

  static func visit(_ model: ONNXModel) {
    if let graph = model.graph { visit(graph) }
    for function in model.functions {
      function.attributeDefaults.forEach(visit)
      for node in function.nodes { node.attributes.forEach(visit) }
    }
  }

  static func visit(_ graph: ONNXGraph) {
    graph.initializers.forEach(visit)
    graph.sparseInitializers.forEach(visit)
    for node in graph.nodes { node.attributes.forEach(visit) }
  }

  static func visit(_ attribute: ONNXAttribute) {
    _ = attribute.kind
    _ = attribute.s?.text
    if let tensor = attribute.t { visit(tensor) }
    if let graph = attribute.g { visit(graph) }
    if let sparse = attribute.sparseTensor { visit(sparse) }
    attribute.tensors.forEach(visit)
    attribute.graphs.forEach(visit)
    attribute.sparseTensors.forEach(visit)
  }

  static func visit(_ sparse: ONNXSparseTensor) {
    if let values = sparse.values { visit(values) }
    if let indices = sparse.indices { visit(indices) }
  }

  static func visit(_ tensor: ONNXTensor) {
    _ = try? tensor.externalRange()
    for element in (try? tensor.strings()) ?? [] { _ = element.text }
    _ = try? tensor.mappedBytes(externalData: nil)
    // More than this many bytes cannot come from an input of the fuzzer's size.
    guard let bytes = try? tensor.byteCount(), bytes <= 1 << 20, let buffer = try? Allocator.system.buffer(bytes: bytes) else { return }
    try? tensor.decode(into: UnsafeMutableRawBufferPointer(start: buffer.pointer, count: bytes))
  }

  static func visit(_ sequence: ONNXSequence) {
    sequence.tensors.forEach(visit)
    sequence.sparseTensors.forEach(visit)
    sequence.sequences.forEach(visit)
    for map in sequence.maps { if let values = map.values { visit(values) } }
    sequence.optionals.forEach(visit)
  }

  static func visit(_ optional: ONNXOptional) {
    if let tensor = optional.tensor { visit(tensor) }
    if let sparse = optional.sparseTensor { visit(sparse) }
    if let sequence = optional.sequence { visit(sequence) }
    if let map = optional.map, let values = map.values { visit(values) }
    if let inner = optional.optional { visit(inner) }
  }
}
