import Pinion
import PinionBase
import PinionTensor

/// A program in torch.export's JSON and its archive, as small as a test needs it.
struct TestProgram {
  var inputs: [String] = []
  var inputSpecs: [String] = []
  var outputs: [String] = []
  var outputSpecs: [String] = []
  var nodes: [String] = []
  var tensors: [String] = []
  var weights: [String] = []
  var storages: [(name: String, data: [UInt8])] = []
  /// Ranges of symbols, as members of `range_constraints`.
  var ranges: [String] = []
  /// How arguments and results nest, in PyTorch's form.
  var trees: (inputs: String, outputs: String)?
  var argumentNames: [String] = []

  static func meta(_ dtype: Int, _ sizes: [String]) -> String {
    let list = sizes.map { Int($0) == nil ? "{\"as_expr\": {\"expr_str\": \"\($0)\", \"hint\": null}}" : "{\"as_int\": \($0)}" }.joined(separator: ",")
    return "{\"dtype\": \(dtype), \"sizes\": [\(list)], \"strides\": [], \"storage_offset\": {\"as_int\": 0}, \"layout\": 7}"
  }

  mutating func tensor(_ name: String, _ dtype: Int, _ sizes: [Int]) {
    tensors.append("\"\(name)\": \(TestProgram.meta(dtype, sizes.map(String.init)))")
  }

  mutating func input(_ name: String, _ dtype: Int, _ sizes: [Int]) {
    tensor(name, dtype, sizes)
    inputs.append("{\"as_tensor\": {\"name\": \"\(name)\"}}")
    inputSpecs.append("{\"user_input\": {\"arg\": {\"as_tensor\": {\"name\": \"\(name)\"}}}}")
  }

  /// An input whose sizes are numbers or expressions in sympy's notation.
  mutating func openInput(_ name: String, _ dtype: Int, _ sizes: [String]) {
    tensors.append("\"\(name)\": \(TestProgram.meta(dtype, sizes))")
    inputs.append("{\"as_tensor\": {\"name\": \"\(name)\"}}")
    inputSpecs.append("{\"user_input\": {\"arg\": {\"as_tensor\": {\"name\": \"\(name)\"}}}}")
  }

  mutating func buffer(
    _ name: String, _ dtype: Int, _ sizes: [Int], strides: [Int], offset: Int = 0, file: String, parameter: Bool = false
  ) {
    tensor("b_\(name)", dtype, sizes)
    inputs.append("{\"as_tensor\": {\"name\": \"b_\(name)\"}}")
    inputSpecs.append(
      parameter
        ? "{\"parameter\": {\"arg\": {\"name\": \"b_\(name)\"}, \"parameter_name\": \"\(name)\"}}"
        : "{\"buffer\": {\"arg\": {\"name\": \"b_\(name)\"}, \"buffer_name\": \"\(name)\", \"persistent\": true}}")
    let list = { (values: [Int]) in values.map { "{\"as_int\": \($0)}" }.joined(separator: ",") }
    weights.append(
      """
      "\(name)": {"path_name": "\(file)", "is_param": true, "use_pickle": false, "tensor_meta": {"dtype": \(dtype), "sizes": [\(list(sizes))],
      "strides": [\(list(strides))], "storage_offset": {"as_int": \(offset)}, "layout": 7}}
      """)
  }

  mutating func storage<T>(_ name: String, _ values: [T]) { storages.append((name, values.withUnsafeBytes { Array($0) })) }

  /// - Parameter arguments: `name: JSON of the argument`, in the schema's order.
  mutating func node(_ target: String, _ arguments: KeyValuePairs<String, String>, _ output: String, _ dtype: Int, _ sizes: [Int]) {
    tensor(output, dtype, sizes)
    let list = arguments.map { "{\"name\": \"\($0.key)\", \"arg\": \($0.value), \"kind\": 1}" }.joined(separator: ",")
    nodes.append("{\"target\": \"torch.ops.aten.\(target)\", \"inputs\": [\(list)], \"outputs\": [{\"as_tensor\": {\"name\": \"\(output)\"}}], \"name\": \"\(output)\"}")
  }

  static func tensor(_ name: String) -> String { "{\"as_tensor\": {\"name\": \"\(name)\"}}" }
  static func int(_ value: Int) -> String { "{\"as_int\": \(value)}" }
  static func float(_ value: Double) -> String { "{\"as_float\": \(value)}" }

  mutating func output(_ name: String) {
    outputs.append(TestProgram.tensor(name))
    outputSpecs.append("{\"user_output\": {\"arg\": \(TestProgram.tensor(name))}}")
  }

  private static func quoted(_ text: String) -> String { "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" }

  private var calls: String {
    guard let trees else { return "" }
    let names = argumentNames.map(TestProgram.quoted).joined(separator: ",")
    return """
      , "module_call_graph": [{"fqn": "", "signature": {"in_spec": \(TestProgram.quoted(trees.inputs)), "out_spec": \(TestProgram.quoted(trees.outputs)),
      "forward_arg_names": [\(names)]}}]
      """
  }

  var json: String {
    """
    {"graph_module": {"graph": {"inputs": [\(inputs.joined(separator: ","))], "outputs": [\(outputs.joined(separator: ","))],
    "nodes": [\(nodes.joined(separator: ","))], "tensor_values": {\(tensors.joined(separator: ","))}, "sym_int_values": {}},
    "signature": {"input_specs": [\(inputSpecs.joined(separator: ","))], "output_specs": [\(outputSpecs.joined(separator: ","))]}\(calls)},
    "schema_version": {"major": 8, "minor": 20}, "verifiers": ["TRAINING"], "torch_version": "2.13.0", "range_constraints": {\(ranges.joined(separator: ","))}}
    """
  }

  var archive: ArchiveBytes {
    var archive = ArchiveBytes()
    archive.add("m/data/weights/model_weights_config.json", "{\"config\": {\(weights.joined(separator: ","))}}")
    for storage in storages { archive.add("m/data/weights/\(storage.name)", storage.data) }
    archive.add("m/archive_format", "pt2")
    archive.add("m/byteorder", "little")
    archive.add("m/models/model.json", json)
    return archive
  }

  func model(mutations: Mutations = .outputs) throws -> Model { try Model(TestProgram.file(archive.bytes), mutations: mutations) }

  static func file(_ bytes: [UInt8]) throws -> FileMapping { try bytes.withUnsafeBytes { try FileMapping(copying: $0) } }

  func run(_ inputs: [String: Tensor]) throws -> [String: Tensor] {
    let session = try Session(try model(), runtime: try Runtime(threads: 1))
    let values = try session.run(inputs.mapValues(Value.tensor))
    var results: [String: Tensor] = [:]
    for (info, value) in zip(session.model.outputs, values) { results[info.name] = try value.asTensor() }
    return results
  }
}
