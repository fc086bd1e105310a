import Pinion
import Testing

/// An initializer that is an input too has the value that a run gives it, wherever it is used.
@Suite struct OverriddenInitializerTests {
  /// y = x + w, then what an If and a Loop with an If in it make of w; and w itself out of a branch.
  private func model(usesFunction: Bool) throws -> Model {
    let truth: (String, ONNX.Kind) = ("c", .tensor(.bool, []))
    let add = { (output: String) in ONNX.Node(usesFunction ? "f" : "Add", ["x", "w"], [output], domain: usesFunction ? "local" : "") }
    let branch = ONNX.Graph(nodes: [add("z")], outputs: ["z"])
    let other = ONNX.Graph(nodes: [ONNX.Node("Identity", ["w"], ["z"])], outputs: ["z"])
    let inner = ONNX.Graph(nodes: [ONNX.Node("Add", ["v", "w"], ["z"])], outputs: ["z"])
    let body = ONNX.Graph(
      nodes: [
        ONNX.Node("Identity", ["going"], ["goes"]),
        ONNX.Node("If", ["c"], ["next"], [("then_branch", .graph(inner)), ("else_branch", .graph(inner))]),
        ONNX.Node("Mul", ["w", "w"], ["scan"]),
      ],
      inputs: [("i", .tensor(.int64, [])), ("going", .tensor(.bool, [])), ("v", .tensor(.float32, [2]))], outputs: ["goes", "next", "scan"])
    let graph = ONNX.Graph(
      nodes: [
        ONNX.Node("Add", ["x", "w"], ["y0"]),
        ONNX.Node("If", ["c"], ["y1"], [("then_branch", .graph(branch)), ("else_branch", .graph(other))]),
        ONNX.Node("Loop", ["n", "", "x"], ["y2", "y3"], [("body", .graph(body))]),
      ],
      inputs: [("x", .tensor(.float32, [2])), truth, ("w", .tensor(.float32, [2])), ("n", .tensor(.int64, []))],
      outputs: ["y0", "y1", "y2", "y3"],
      initializers: [("w", try floats([10, 20], [2])), ("n", try Tensor(scalar: Int64(3)))])
    let function = ONNX.Function(
      name: "f", inputs: ["a", "b"], outputs: ["s"], nodes: [ONNX.Node("Add", ["a", "b"], ["s"])], opset: 17)
    return try load(ONNX.model(graph, opset: 17, ir: 3, functions: [function]))
  }

  @Test(arguments: 0...2, [false, true]) func reachesSubgraphsAtEveryDepth(level: Int, usesFunction: Bool) throws {
    let model = try model(usesFunction: usesFunction)
    #expect(model.overridableInputs.map(\.name) == ["w", "n"])
    let session = try session(model, level: level)
    // With and without the overrides, in turn on one session.
    for w: [Float]? in [nil, [1, 2], nil, [3, 4], [1, 2], nil] {
      for takesBranch in [true, false] {
        for n: Int64? in [nil, 2] {
          var inputs: [String: Value] = ["x": .tensor(try floats([0.5, 0.25], [2])), "c": .tensor(try Tensor(scalar: takesBranch))]
          if let w { inputs["w"] = .tensor(try floats(w, [2])) }
          if let n { inputs["n"] = .tensor(try Tensor(scalar: n)) }
          let value = w ?? [10, 20], steps = Float(n ?? 3)
          let outputs = try session.run(inputs).map { try $0.asTensor().elements(as: Float.self) }
          let sum = [0.5 + value[0], 0.25 + value[1]]
          #expect(outputs[0] == sum)
          #expect(outputs[1] == (takesBranch ? sum : value))
          #expect(outputs[2] == [0.5 + steps * value[0], 0.25 + steps * value[1]])
          #expect(outputs[3] == [[Float]](repeating: [value[0] * value[0], value[1] * value[1]], count: Int(steps)).flatMap { $0 })
        }
      }
    }
  }

  /// What a run does not override is still a constant inside: here it decides which branch is left.
  @Test func defaultsAreConstantsInside() throws {
    let session = try session(try model(usesFunction: false), level: 0)
    let loop = try #require(session.program.graph.nodes.first { $0.schema.name == "Loop" })
    #expect(loop.subgraphs[0].constants.count == 1 && loop.subgraphs[0].captures.count == 1)
  }
}
