// Models without a file: an MLP, an attention block and a loop, made in code and run. Prints what each gives.
//
// graphs-in-code [FILE.onnx]     writes the attention block as an ONNX file as well
import Pinion

func filled(_ number: Float, _ dims: Int...) throws -> Tensor {
  try Tensor([Float](repeating: number, count: dims.reduce(1, *)), try Shape(dims))
}

func text(_ number: Double) -> String { number == number.rounded() ? "\(Int(number))" : "\(number)" }

func run(_ name: String, _ model: Model, _ inputs: [String: Value], _ runtime: Runtime) throws {
  var line = "\(name):"
  for case .tensor(let output) in try Session(model, runtime: runtime).run(inputs) {
    let numbers =
      output.element == .float32 ? try output.elements(as: Float.self).map(Double.init) : try output.elements(as: Int64.self).map(Double.init)
    for number in numbers { line += " \(text(number))" }
  }
  print(line)
}

/// softmax(relu(x w + b) v) of an open batch.
func mlp(_ runtime: Runtime) throws {
  let graph = try GraphDraft()
  let x = try graph.addInput("x", .tensor(.float32, dims: [.symbol("batch"), .known(3)]))
  let product = try graph.node("MatMul", x, try graph.addConstant(filled(0.5, 3, 4)))
  let hidden = try graph.node("Relu", try graph.node("Add", product, try graph.addConstant(filled(1, 4))))
  let scores = try graph.node("Softmax", try graph.node("MatMul", hidden, try graph.addConstant(filled(1, 4, 2))))
  try graph.addOutput(scores, name: "scores")
  if let type = try graph.info(scores).type { print("scores: \(type)") }
  try run("mlp", try Model(graph), ["x": .tensor(try Tensor([1, 2, 3] as [Float], try Shape([1, 3])))], runtime)
}

/// LayerNormalization(x + softmax(q k' / 2) v) with weights for q, k and v.
func attention(_ runtime: Runtime, file: String?) throws {
  let graph = try GraphDraft()
  let x = try graph.addInput("x", .tensor(.float32, dims: [.symbol("words"), .known(4)]))
  let q = try graph.node("MatMul", x, try graph.addConstant(filled(1, 4, 4)))
  let k = try graph.node("MatMul", x, try graph.addConstant(filled(1, 4, 4)))
  let v = try graph.node("MatMul", x, try graph.addConstant(filled(0.25, 4, 4)))
  let similarities = try graph.node("MatMul", q, try graph.node("Transpose", k, attributes: ["perm": .ints([1, 0])]))
  let weights = try graph.node("Softmax", try graph.node("Mul", similarities, try graph.addConstant(try Tensor(scalar: 0.5 as Float))))
  let total = try graph.node("Add", x, try graph.node("MatMul", weights, v))
  let norm = try graph.node("LayerNormalization", total, try graph.addConstant(filled(0, 4)))
  try graph.addOutput(try graph.node("Add", norm, try graph.addConstant(filled(1, 4))), name: "y")
  let model = try Model(graph)
  if let file { try model.save(file) }
  try run("attention", model, ["x": .tensor(try Tensor([1, 0, 0, 0, 0, 1, 0, 0] as [Float], try Shape([2, 4])))], runtime)
}

/// The sum of 0 ... n - 1, and the square of each.
func loop(_ runtime: Runtime) throws {
  let graph = try GraphDraft()
  let n = try graph.addInput("n", .tensor(.int64, dims: []))
  let body = try graph.subgraph(name: "body")
  let i = try body.addInput("i", .tensor(.int64, dims: []))
  let going = try body.addInput("going", .tensor(.bool, dims: []))
  let sum = try body.addInput("sum", .tensor(.int64, dims: []))
  try body.addOutput(going)
  try body.addOutput(try body.node("Add", sum, i))
  try body.addOutput(try body.node("Mul", i, i))
  let zero = try graph.addConstant(try Tensor(scalar: 0 as Int64))
  let outputs = try graph.add("Loop", inputs: [n, nil, zero], attributes: ["body": .graph(body)], outputNames: ["sum_of_all", "squares"])
  for case let output? in outputs { try graph.addOutput(output) }
  try run("loop", try Model(graph), ["n": .tensor(try Tensor(scalar: 5 as Int64))], runtime)
}

let runtime = try Runtime()
try mlp(runtime)
try attention(runtime, file: CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : nil)
try loop(runtime)
