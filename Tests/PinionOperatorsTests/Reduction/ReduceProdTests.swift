import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct ReduceProdTests {
  private let x = [1, -2, 3, 4, -5, 6, 7, -8, 9, 10, -11, 12] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("ReduceProd", [try tensor(x, [3, 2, 2]), try tensor([-1] as [Int64], [1])], constants: [1])
    try expect(y, near: [-2, 12, -30, -56, 90, -132], [3, 2, 1])
  }

  @Test func middleAxisIsLeftOut() throws {
    let y = try evaluate(
      "ReduceProd", attributes: ["keepdims": .int(0)], [try tensor(x, [3, 2, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [3, -8, -35, -48, -99, 120], [3, 2])
  }

  @Test func outerAndInnerAxes() throws {
    let y = try evaluate("ReduceProd", [try tensor(x, [3, 2, 2]), try tensor([0, 2] as [Int64], [2])])
    try expect(y, near: [5400, 88704], [1, 2, 1])
  }

  @Test func allAxesWithoutAny() throws {
    try expect(try evaluate("ReduceProd", [try tensor(x, [3, 2, 2])]), near: [4.790016e+08], [1, 1, 1])
  }

  @Test func emptySet() throws {
    let y = try evaluate("ReduceProd", [try tensor([] as [Float], [2, 0, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [1, 1, 1, 1], [2, 1, 2])
  }
}
