import PinionBase
import PinionRuntime
import Testing

@testable import Pinion

/// Loading a model and making a session have limits too.
@Suite(.timeLimit(.minutes(2))) struct CreationLimitTests {
  private func mapping(_ bytes: [UInt8]) throws -> FileMapping {
    try bytes.withUnsafeBytes { try FileMapping(copying: $0, allocator: .system) }
  }

  /// Products of constants, each of the one before.
  private func products(_ count: Int, side: Int) throws -> FileMapping {
    var nodes: [ONNX.Node] = []
    for index in 0..<count { nodes.append(ONNX.Node("MatMul", [index == 0 ? "w" : "v\(index)", "w"], ["v\(index + 1)"])) }
    nodes.append(ONNX.Node("ReduceSum", ["v\(count)"], ["y"]))
    let weights = try Tensor([Float](repeating: 0, count: side * side), try Shape([side, side]))
    return try mapping(ONNX.model(ONNX.Graph(nodes: nodes, inputs: [], outputs: ["y"], initializers: [("w", weights)]), opset: 13))
  }

  private func expect(_ code: ErrorCode, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
    do {
      try body()
      Issue.record("nothing was thrown, expected \(code)", sourceLocation: sourceLocation)
    } catch { #expect((error as? PinionError)?.code == code, "\(error)", sourceLocation: sourceLocation) }
  }

  @Test func deadlinesAndTokensEndCreation() throws {
    let model = try Model(try products(100, side: 700)), runtime = try Runtime(threads: 1)
    var limits = RunLimits()
    limits.deadline = monotonicNanoseconds() + 3_000_000
    let start = monotonicNanoseconds()
    expect(.deadlineExceeded) { _ = try Session(model, runtime: runtime, limits: limits) }
    #expect(monotonicNanoseconds() - start < 1_000_000_000)
    limits = RunLimits()
    limits.token = CancelToken()
    limits.token?.cancel()
    expect(.cancelled) { _ = try Session(model, runtime: runtime, limits: limits) }
    expect(.cancelled) { _ = try Model(try products(3, side: 4), limits: limits) }
  }

  /// A state of a value with a default needs a program of its own, for which the constants are computed once more.
  @Test func deadlinesAndTokensEndTheCreationOfStates() throws {
    func model(_ count: Int, side: Int) throws -> Model {
      var nodes: [ONNX.Node] = []
      for index in 0..<count { nodes.append(ONNX.Node("MatMul", [index == 0 ? "w" : "v\(index)", "w"], ["v\(index + 1)"])) }
      nodes += [ONNX.Node("ReduceSum", ["v\(count)"], ["y"], [("keepdims", .int(0))]), ONNX.Node("Add", ["h", "y"], ["hn"])]
      let weights = try Tensor([Float](repeating: 0, count: side * side), try Shape([side, side]))
      let graph = ONNX.Graph(
        nodes: nodes, inputs: [("h", .tensor(.float32, [1]))], outputs: ["y", "hn"],
        initializers: [("w", weights), ("h", try Tensor(vector: [Float(2)]))])
      return try Model(try mapping(ONNX.model(graph, opset: 13)))
    }
    let runtime = try Runtime(threads: 1)
    var limits = RunLimits()
    limits.token = CancelToken()
    limits.token?.cancel()
    let session = try Session(try model(3, side: 4), runtime: runtime)
    expect(.cancelled) { _ = try State(session, limits: limits) }
    #expect(try State(session).pairs == [StatePair(input: "h", output: "hn")])
    let slow = try Session(try model(60, side: 700), runtime: runtime)
    limits = RunLimits()
    limits.deadline = monotonicNanoseconds() + 3_000_000
    let start = monotonicNanoseconds()
    expect(.deadlineExceeded) { _ = try State(slow, limits: limits) }
    #expect(monotonicNanoseconds() - start < 1_000_000_000)
  }

  /// What would need more is left to the runs, which have limits of their own.
  @Test func foldingKeepsToTheBudget() throws {
    let model = try Model(try products(2, side: 300)), runtime = try Runtime(threads: 1)
    var limits = RunLimits()
    limits.bytes = 1 << 16
    let session = try Session(model, runtime: runtime, limits: limits)
    #expect(session.program.graph.nodes.count >= 2)
    let result = try session.run([:])
    #expect(try result[0].asTensor().elements(as: Float.self) == [0])
    let whole = try Session(try Model(try products(2, side: 300)), runtime: runtime)
    #expect(whole.program.graph.nodes.isEmpty)
  }

  @Test func structuresCountAgainstTheBudget() throws {
    var nodes: [ONNX.Node] = []
    for index in 0..<5000 { nodes.append(ONNX.Node("Neg", ["v\(index)"], ["v\(index + 1)"])) }
    let file = try mapping(
      ONNX.model(ONNX.Graph(nodes: nodes, inputs: [("v0", .tensor(.float32, [2]))], outputs: ["v5000"], initializers: []), opset: 13))
    var limits = RunLimits()
    limits.bytes = 1 << 20
    expect(.budgetExceeded) { _ = try Model(file, limits: limits) }
    limits.bytes = 64 << 20
    #expect(try Model(file, limits: limits).graph.nodes.count == 5000)
  }

  /// A graph that was made in code becomes a model within the limits of a load.
  @Test func graphsInCodeHaveLimits() throws {
    let draft = try GraphDraft()
    var value = try draft.addInput("x", .tensor(.float32, dims: [.known(2)]))
    for _ in 0..<1000 { value = try #require(try draft.add("Neg", inputs: [value])[0]) }
    try draft.addOutput(value)
    var limits = RunLimits()
    limits.bytes = 1 << 20
    expect(.budgetExceeded) { _ = try Model(draft, limits: limits) }
    limits.bytes = 16 << 20
    #expect(try Model(draft, limits: limits).graph.nodes.count == 1000)
    limits.token = CancelToken()
    limits.token?.cancel()
    expect(.cancelled) { _ = try Model(draft, limits: limits) }
    limits.token = nil
    limits.deadline = 1
    expect(.deadlineExceeded) { _ = try Model(draft, limits: limits) }
  }

  /// A run that is the first to name some outputs compiles for them within its limits.
  @Test func compilingIsPartOfTheRun() throws {
    let nodes = [ONNX.Node("Neg", ["x"], ["y"]), ONNX.Node("Abs", ["x"], ["z"])]
    let file = try mapping(
      ONNX.model(ONNX.Graph(nodes: nodes, inputs: [("x", .tensor(.float32, [2]))], outputs: ["y", "z"], initializers: []), opset: 13))
    let session = try Session(try Model(file), runtime: try Runtime(threads: 1))
    let x = Value.tensor(try Tensor([1, -2] as [Float], try Shape([2])))
    var limits = RunLimits()
    limits.token = CancelToken()
    limits.token?.cancel()
    expect(.cancelled) { _ = try session.run([x], wanted: [1], limits: limits) }
    #expect(try session.run([x], wanted: [1])[0].asTensor().elements(as: Float.self) == [1, 2])
  }
}
