import Pinion
import PinionBase
import PinionTensor
import Testing

/// Sizes that are expressions of symbols, and ranges of symbols, are looked at when a run begins.
@Suite struct SizeRulesTests {
  private static let s = "Symbol('s', integer=True)"

  /// a is [s], b is [s + 1], c is [2 * s]; s is from 3 to 50.
  private func session() throws -> Session {
    var program = TestProgram()
    program.openInput("a", 7, [SizeRulesTests.s])
    program.openInput("b", 7, ["Add(\(SizeRulesTests.s), Integer(1))"])
    program.openInput("c", 7, ["Mul(Integer(2), \(SizeRulesTests.s))"])
    program.ranges = ["\"s\": {\"min_val\": 3, \"max_val\": 50}", "\"s + 1\": {\"min_val\": 4, \"max_val\": null}"]
    for name in ["a", "b", "c"] {
      program.node("neg.default", ["self": TestProgram.tensor(name)], "n\(name)", 7, [])
      program.tensors[program.tensors.count - 1] = "\"n\(name)\": \(TestProgram.meta(7, ["Symbol('r\(name)')"]))"
      program.output("n\(name)")
    }
    return try Session(try program.model(), runtime: try Runtime(threads: 1))
  }

  private func run(_ session: Session, _ extents: [Int]) throws -> [Int] {
    var inputs: [String: Value] = [:]
    for (name, extent) in zip(["a", "b", "c"], extents) { inputs[name] = .tensor(try Tensor(vector: [Float](repeating: 1, count: extent))) }
    return try session.run(inputs).map { try $0.asTensor().shape.dims[0] }
  }

  @Test(arguments: [3, 4, 50]) func takesWhatFits(extent: Int) throws {
    #expect(try run(try session(), [extent, extent + 1, 2 * extent]) == [extent, extent + 1, 2 * extent])
  }

  @Test(arguments: [
    ([5, 7, 10], "dimension 0 of input 'b' is 7, expected (s+1) = 6, where s is 5 by dimension 0 of input 'a'"),
    ([5, 6, 11], "dimension 0 of input 'c' is 11, expected 2*s = 10, where s is 5 by dimension 0 of input 'a'"),
    ([51, 52, 102], "dimension 0 of input 'a' (s) is 51, expected 3 to 50"),
    ([2, 3, 4], "dimension 0 of input 'a' (s) is 2, expected 3 to 50"),
  ])
  func refusesWhatDoesNot(extents: [Int], message: String) throws {
    let session = try session()
    // Twice: what a run has refused is not planned as if it had been taken.
    for _ in 0..<2 {
      let error = #expect(throws: PinionError.self) { try run(session, extents) }
      #expect(error?.code == .invalidShape)
      #expect(error?.message == message)
    }
    let types = extents.map { PlanInput.type(TensorType(.float32, .vector($0))) }
    #expect(throws: PinionError.self) { try session.plan(types) }
  }

  @Test func solvesForASymbolThatNoSizeIs() throws {
    var program = TestProgram()
    program.openInput("x", 7, ["Mul(Integer(4), Symbol('h'))"])
    program.ranges = ["\"h\": {\"min_val\": 2, \"max_val\": 8}"]
    program.output("x")
    let session = try Session(try program.model(), runtime: try Runtime(threads: 1))
    func run(_ extent: Int) throws { _ = try session.run(["x": .tensor(try Tensor(vector: [Float](repeating: 1, count: extent)))]) }
    try run(32)
    // A range from 2 on keeps neither 0 nor 1 out.
    try run(4)
    #expect(#expect(throws: PinionError.self) { try run(30) }?.message == "dimension 0 of input 'x' is 30, expected 4*h with a whole number h")
    #expect(#expect(throws: PinionError.self) { try run(36) }?.message == "dimension 0 of input 'x' is 36, so that h is 9, expected at most 8")
  }
}
