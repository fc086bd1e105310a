import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct ReduceSumSquareTests {
  private let x = [1, -2, 3, 4, -5, 6, 7, -8, 9, 10, -11, 12] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("ReduceSumSquare", [try tensor(x, [3, 2, 2]), try tensor([-1] as [Int64], [1])], constants: [1])
    try expect(y, near: [5, 25, 61, 113, 181, 265], [3, 2, 1])
  }

  @Test func middleAxisIsLeftOut() throws {
    let y = try evaluate(
      "ReduceSumSquare", attributes: ["keepdims": .int(0)], [try tensor(x, [3, 2, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [10, 20, 74, 100, 202, 244], [3, 2])
  }

  @Test func outerAndInnerAxes() throws {
    let y = try evaluate("ReduceSumSquare", [try tensor(x, [3, 2, 2]), try tensor([0, 2] as [Int64], [2])])
    try expect(y, near: [247, 403], [1, 2, 1])
  }

  @Test func allAxesWithoutAny() throws {
    try expect(try evaluate("ReduceSumSquare", [try tensor(x, [3, 2, 2])]), near: [650], [1, 1, 1])
  }

  @Test func emptySet() throws {
    let y = try evaluate("ReduceSumSquare", [try tensor([] as [Float], [2, 0, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [0, 0, 0, 0], [2, 1, 2])
  }
}
