import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct ReduceMeanTests {
  private let x = [1, -2, 3, 4, -5, 6, 7, -8, 9, 10, -11, 12] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("ReduceMean", [try tensor(x, [3, 2, 2]), try tensor([-1] as [Int64], [1])], constants: [1])
    try expect(y, near: [-0.5, 3.5, 0.5, -0.5, 9.5, 0.5], [3, 2, 1])
  }

  @Test func middleAxisIsLeftOut() throws {
    let y = try evaluate(
      "ReduceMean", attributes: ["keepdims": .int(0)], [try tensor(x, [3, 2, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [2, 1, 1, -1, -1, 11], [3, 2])
  }

  @Test func outerAndInnerAxes() throws {
    let y = try evaluate("ReduceMean", [try tensor(x, [3, 2, 2]), try tensor([0, 2] as [Int64], [2])])
    try expect(y, near: [3.166667, 1.166667], [1, 2, 1])
  }

  @Test func allAxesWithoutAny() throws {
    try expect(try evaluate("ReduceMean", [try tensor(x, [3, 2, 2])]), near: [2.166667], [1, 1, 1])
  }
}
