// Models without a file: an MLP, an attention block and a loop, made in code and run. Prints what each gives.
//
//   graphs-in-code [FILE.onnx]     writes the attention block as an ONNX file as well
import Pinion

/// A node whose outputs are all there.
private func node(
  _ draft: GraphDraft, _ name: String, _ inputs: [GraphDraft.Value?], _ attributes: [String: GraphDraft.Attribute] = [:]
) throws -> GraphDraft.Value {
  guard let output = try draft.add(name, inputs: inputs, attributes: attributes).first, let output else {
    throw PinionError.internal("\(name) has no output")
  }
  return output
}

/// A constant of one number everywhere.
private func filled(_ draft: GraphDraft, _ number: Float, _ dims: [Int]) throws -> GraphDraft.Value {
  let shape = try Shape(dims)
  return try draft.addConstant(try Tensor([Float](repeating: number, count: shape.count), shape))
}

/// Runs a model of the graph on one tensor, and prints its outputs.
private func run(_ name: String, _ draft: GraphDraft, _ runtime: Runtime, _ inputs: [String: Value], to file: String? = nil) throws {
  let model = try Model(draft)
  if let file { try model.save(file) }
  var numbers: [String] = []
  for output in try Session(model, runtime: runtime).run(inputs) {
    let tensor = try output.asTensor()
    if tensor.element == .float32 {
      numbers += try tensor.elements(as: Float.self).map { $0 == $0.rounded() ? "\(Int($0))" : "\($0)" }
    } else {
      numbers += try tensor.elements(as: Int64.self).map { "\($0)" }
    }
  }
  print("\(name): \(numbers.joined(separator: " "))")
}

/// softmax(relu(x w + b) v) of an open batch.
private func mlp(_ runtime: Runtime) throws {
  let draft = try GraphDraft()
  let x = try draft.addInput("x", .tensor(.float32, dims: [.symbol("batch"), .known(3)]))
  var hidden = try node(draft, "MatMul", [x, try filled(draft, 0.5, [3, 4])])
  hidden = try node(draft, "Relu", [try node(draft, "Add", [hidden, try filled(draft, 1, [4])])])
  let scores = try node(draft, "Softmax", [try node(draft, "MatMul", [hidden, try filled(draft, 1, [4, 2])])])
  try draft.addOutput(scores, name: "scores")
  if let type = try draft.info(scores).type { print("scores: \(type)") }
  try run("mlp", draft, runtime, ["x": .tensor(try Tensor([Float(1), 2, 3], try Shape([1, 3])))])
}

/// LayerNormalization(x + softmax(q k' / 2) v) with weights for q, k and v.
private func attention(_ runtime: Runtime, to file: String?) throws {
  let draft = try GraphDraft()
  let x = try draft.addInput("x", .tensor(.float32, dims: [.symbol("words"), .known(4)]))
  let q = try node(draft, "MatMul", [x, try filled(draft, 1, [4, 4])])
  let k = try node(draft, "MatMul", [x, try filled(draft, 1, [4, 4])])
  let v = try node(draft, "MatMul", [x, try filled(draft, 0.25, [4, 4])])
  let turned = try node(draft, "Transpose", [k], ["perm": .ints([1, 0])])
  let scaled = try node(draft, "Mul", [try node(draft, "MatMul", [q, turned]), try filled(draft, 0.5, [])])
  let mixed = try node(draft, "MatMul", [try node(draft, "Softmax", [scaled]), v])
  let norm = try node(draft, "LayerNormalization", [try node(draft, "Add", [x, mixed]), try filled(draft, 0, [4])])
  try draft.addOutput(try node(draft, "Add", [norm, try filled(draft, 1, [4])]), name: "y")
  try run("attention", draft, runtime, ["x": .tensor(try Tensor([Float(1), 0, 0, 0, 0, 1, 0, 0], try Shape([2, 4])))], to: file)
}

/// The sum of 0 ... n - 1, and the square of each.
private func loop(_ runtime: Runtime) throws {
  let draft = try GraphDraft()
  let n = try draft.addInput("n", .tensor(.int64, dims: []))
  let start = try draft.addConstant(try Tensor(scalar: Int64(0)), name: "start")
  let body = try draft.subgraph(name: "body")
  let i = try body.addInput("i", .tensor(.int64, dims: []))
  let going = try body.addInput("going", .tensor(.bool, dims: []))
  let sum = try body.addInput("sum", .tensor(.int64, dims: []))
  try body.addOutput(going)
  try body.addOutput(try node(body, "Add", [sum, i]))
  try body.addOutput(try node(body, "Mul", [i, i]))
  let outputs = try draft.add(
    "Loop", inputs: [n, nil, start], attributes: ["body": .graph(body)], outputNames: ["sum_of_all", "squares"])
  for case let output? in outputs { try draft.addOutput(output) }
  try run("loop", draft, runtime, ["n": .tensor(try Tensor(scalar: Int64(5)))])
}

let runtime = try Runtime()
try mlp(runtime)
try attention(runtime, to: CommandLine.arguments.dropFirst().first)
try loop(runtime)
