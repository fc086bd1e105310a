import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct ReduceMaxTests {
  private let x = [1, -2, 3, 4, -5, 6, 7, -8, 9, 10, -11, 12] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("ReduceMax", [try tensor(x, [3, 2, 2]), try tensor([-1] as [Int64], [1])], constants: [1])
    try expect(y, near: [1, 4, 6, 7, 10, 12], [3, 2, 1])
  }

  @Test func middleAxisIsLeftOut() throws {
    let y = try evaluate(
      "ReduceMax", attributes: ["keepdims": .int(0)], [try tensor(x, [3, 2, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [3, 4, 7, 6, 9, 12], [3, 2])
  }

  @Test func outerAndInnerAxes() throws {
    let y = try evaluate("ReduceMax", [try tensor(x, [3, 2, 2]), try tensor([0, 2] as [Int64], [2])])
    try expect(y, near: [10, 12], [1, 2, 1])
  }

  @Test func allAxesWithoutAny() throws {
    try expect(try evaluate("ReduceMax", [try tensor(x, [3, 2, 2])]), near: [12], [1, 1, 1])
  }

  @Test func emptySet() throws {
    let y = try evaluate("ReduceMax", [try tensor([] as [Float], [2, 0, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [-.infinity, -.infinity, -.infinity, -.infinity], [2, 1, 2])
  }

  @Test func booleans() throws {
    let y = try evaluate(
      "ReduceMax", attributes: ["keepdims": .int(0)],
      [try tensor([true, true, false, false] as [Bool], [2, 2]), try tensor([1] as [Int64], [1])])
    try expect(y, [true, false], [2])
  }

  @Test func notANumberWins() throws {
    let y = try evaluate("ReduceMax", [try tensor([1, .nan, 3] as [Float], [3])])
    #expect(try y.elements(as: Float.self)[0].isNaN)
  }
}
