// Prints what a model takes and gives, and runs it once with inputs of zeros.
//
// describe-and-run MODEL.onnx [SYMBOL=SIZE ...]
import Glibc
import Pinion

func zeros(_ info: ValueInfo, _ sizes: [String: Int]) throws -> Value {
  guard case .tensor(let element, let dims?) = info.type else {
    throw PinionError(.unsupported, "\(info.name) is no tensor of known rank")
  }
  let shape = try Shape(
    dims.map { dim in
      switch dim {
      case .known(let extent): extent
      case .symbol(let name): sizes[name] ?? 1
      case .unknown: 1
      }
    })
  let tensor = try Tensor(TensorType(element, shape))
  tensor.data.initializeMemory(as: UInt8.self, repeating: 0, count: tensor.byteCount)
  return .tensor(tensor)
}

func text(_ value: Value) throws -> String {
  guard case .tensor(let tensor) = value, tensor.element == .float32 else { return "\(value.type)" }
  return "\(tensor.type): \(try tensor.elements(as: Float.self).prefix(5))"
}

func describeAndRun(_ path: String, _ sizes: [String: Int]) throws {
  let model = try Model(path: path)
  print("\(path), written by \(model.metadata.producerName)")
  for input in model.inputs { print("  takes \(input.name): \(input.type.map(String.init(describing:)) ?? "anything")") }

  let session = try Session(model, runtime: try Runtime())
  var inputs: [String: Value] = [:]
  for input in model.inputs { inputs[input.name] = try zeros(input, sizes) }
  for (output, value) in zip(model.outputs, try session.run(inputs)) { print("  gives \(output.name): \(try text(value))") }
}

guard CommandLine.arguments.count > 1 else {
  print("describe-and-run MODEL.onnx [SYMBOL=SIZE ...]")
  exit(2)
}
var sizes: [String: Int] = [:]
for argument in CommandLine.arguments.dropFirst(2) {
  let parts = argument.split(separator: "=")
  if parts.count == 2 { sizes[String(parts[0])] = Int(parts[1]) }
}
do {
  try describeAndRun(CommandLine.arguments[1], sizes)
} catch {
  print(error)
  exit(1)
}
