import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct ReduceLogSumExpTests {
  private let x = [1, -2, 3, 4, -5, 6, 7, -8, 9, 10, -11, 12] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("ReduceLogSumExp", [try tensor(x, [3, 2, 2]), try tensor([-1] as [Int64], [1])], constants: [1])
    try expect(y, near: [1.048587, 4.313262, 6.000017, 7, 10.31326, 12], [3, 2, 1])
  }

  @Test func middleAxisIsLeftOut() throws {
    let y = try evaluate(
      "ReduceLogSumExp", attributes: ["keepdims": .int(0)], [try tensor(x, [3, 2, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [3.126928, 4.002476, 7.000006, 6.000001, 9, 12.12693], [3, 2])
  }

  @Test func outerAndInnerAxes() throws {
    let y = try evaluate("ReduceLogSumExp", [try tensor(x, [3, 2, 2]), try tensor([0, 2] as [Int64], [2])])
    try expect(y, near: [10.32666, 12.00717], [1, 2, 1])
  }

  @Test func allAxesWithoutAny() throws {
    try expect(try evaluate("ReduceLogSumExp", [try tensor(x, [3, 2, 2])]), near: [12.17799], [1, 1, 1])
  }

  @Test func emptySet() throws {
    let y = try evaluate("ReduceLogSumExp", [try tensor([] as [Float], [2, 0, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [-.infinity, -.infinity, -.infinity, -.infinity], [2, 1, 2])
  }
}
