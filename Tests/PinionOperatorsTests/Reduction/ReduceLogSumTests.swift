import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct ReduceLogSumTests {
  private let x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("ReduceLogSum", [try tensor(x, [3, 2, 2]), try tensor([-1] as [Int64], [1])], constants: [1])
    try expect(y, near: [1.098612, 1.94591, 2.397895, 2.70805, 2.944439, 3.135494], [3, 2, 1])
  }

  @Test func middleAxisIsLeftOut() throws {
    let y = try evaluate(
      "ReduceLogSum", attributes: ["keepdims": .int(0)], [try tensor(x, [3, 2, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [1.386294, 1.791759, 2.484907, 2.639057, 2.995732, 3.091043], [3, 2])
  }

  @Test func outerAndInnerAxes() throws {
    let y = try evaluate("ReduceLogSum", [try tensor(x, [3, 2, 2]), try tensor([0, 2] as [Int64], [2])])
    try expect(y, near: [3.496508, 3.806663], [1, 2, 1])
  }

  @Test func allAxesWithoutAny() throws {
    try expect(try evaluate("ReduceLogSum", [try tensor(x, [3, 2, 2])]), near: [4.356709], [1, 1, 1])
  }

  @Test func emptySet() throws {
    let y = try evaluate("ReduceLogSum", [try tensor([] as [Float], [2, 0, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [-.infinity, -.infinity, -.infinity, -.infinity], [2, 1, 2])
  }
}
