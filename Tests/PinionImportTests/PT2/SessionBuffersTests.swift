import Pinion
import PinionBase
import PinionTensor
import Testing

/// Buffers that a program writes to, as a session keeps them.
@Suite struct SessionBuffersTests {
  /// count += x; y = -count; the input itself is written to as well.
  private func program() -> TestProgram {
    var program = TestProgram()
    program.storage("weight_0", [5] as [Float])
    program.buffer("count", 7, [1], strides: [1], file: "weight_0")
    program.input("x", 7, [1])
    program.node("add_.Tensor", ["self": TestProgram.tensor("b_count"), "other": TestProgram.tensor("x")], "added", 7, [1])
    program.node("neg.default", ["self": TestProgram.tensor("b_count")], "y", 7, [1])
    program.node("zero_.default", ["self": TestProgram.tensor("x")], "zeroed", 7, [1])
    program.output("y")
    return program
  }

  private func session(_ mutations: Mutations) throws -> Session {
    try Session(try program().model(mutations: mutations), runtime: try Runtime(threads: 1))
  }

  private func step(_ session: Session, _ x: Float, limits: RunLimits = RunLimits()) throws -> [Float] {
    try session.run(["x": .tensor(try Tensor(vector: [x]))], limits: limits).flatMap { try $0.asTensor().elements(as: Float.self) }
  }

  @Test func aSessionCarriesThem() throws {
    let session = try session(.state)
    #expect(session.model.outputs.map(\.name) == ["y", "x.new"])
    #expect(session.model.overridableInputs.isEmpty)
    let buffers = try #require(session.buffers)
    #expect(buffers.names == ["count"])
    #expect(try step(session, 2) == [-7, 0])
    #expect(try step(session, 3) == [-10, 0])
    #expect(try step(session, 0.5) == [-10.5, 0])
    #expect(try buffers.contents(0).elements(as: Float.self) == [10.5])
    try buffers.set(0, to: try Tensor(vector: [100] as [Float]))
    #expect(try step(session, 1) == [-101, 0])
    try buffers.reset()
    #expect(try step(session, 1) == [-6, 0])
    #expect(throws: PinionError.self) { try buffers.set(0, to: try Tensor(vector: [1, 2] as [Float])) }
  }

  @Test func sessionsOfOneModelHaveTheirOwn() throws {
    let model = try program().model(mutations: .state), runtime = try Runtime(threads: 1)
    let a = try Session(model, runtime: runtime), b = try Session(model, runtime: runtime)
    #expect(try step(a, 1) == [-6, 0])
    #expect(try step(a, 1) == [-7, 0])
    #expect(try step(b, 1) == [-6, 0])
  }

  @Test func aRunThatFailsLeavesThemAsTheyWere() throws {
    let session = try session(.state)
    #expect(try step(session, 1) == [-6, 0])
    var limits = RunLimits()
    limits.steps = 1
    #expect(throws: PinionError.self) { try step(session, 1, limits: limits) }
    #expect(throws: PinionError.self) { try session.run(["x": .tensor(try Tensor(vector: [1, 2] as [Float]))]) }
    #expect(try step(session, 1) == [-7, 0])
  }

  /// A run with a state reads and writes them as any run of the session does, and leaves them where it fails.
  @Test func runsWithAStateCarryThem() throws {
    let session = try session(.state), state = try State(session, pairs: [StatePair(input: "x", output: "x.new")])
    func run(_ limits: RunLimits = RunLimits()) throws -> [Float] {
      try session.run([:], state: state, limits: limits).flatMap { try $0.asTensor().elements(as: Float.self) }
    }
    try state.set("x", to: try Tensor(vector: [2] as [Float]))
    #expect(try run() == [-7])
    #expect(try state.value("x").elements(as: Float.self) == [0])
    #expect(try run() == [-7])
    #expect(try step(session, 1) == [-8, 0])
    for x in [3, 4] as [Float] {
      try state.set("x", to: try Tensor(vector: [x]))
      var limits = RunLimits()
      limits.steps = 1
      #expect(throws: PinionError.self) { try run(limits) }
      #expect(try state.value("x").elements(as: Float.self) == [x])
      #expect(try run() == [x == 3 ? -11 : -15])
    }
    #expect(try session.buffers?.contents(0).elements(as: Float.self) == [15])
  }

  /// Their bytes are on the account of the session's states.
  @Test func theirBytesCount() throws {
    var options = SessionOptions()
    options.stateBytes = 7
    let session = try Session(try program().model(mutations: .state), runtime: try Runtime(threads: 1), options: options)
    // The contents of before and the next ones are two blocks.
    #expect(try step(session, 2) == [-7, 0])
    let failure = #expect(throws: PinionError.self) { try step(session, 2) }
    #expect(failure?.code == .budgetExceeded)
    #expect(try session.buffers?.contents(0).elements(as: Float.self) == [7])
  }

  @Test func theyAreOutputsOrDropped() throws {
    let outputs = try session(.outputs)
    #expect(outputs.model.outputs.map(\.name) == ["y", "x.new", "count.new"])
    #expect(outputs.buffers == nil)
    #expect(try step(outputs, 2) == [-7, 0, 7])
    let dropped = try session(.dropped)
    #expect(dropped.model.outputs.map(\.name) == ["y"])
    #expect(try step(dropped, 2) == [-7])
    #expect(try step(dropped, 2) == [-7])
  }

  @Test func aPlanCountsThem() throws {
    let summary = try session(.state).plan([.type(TensorType(.float32, .vector(1)))])
    #expect(summary.outputs.prefix(2).allSatisfy { $0 != nil })
  }
}
