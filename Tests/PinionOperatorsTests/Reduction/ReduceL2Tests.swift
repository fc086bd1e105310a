import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct ReduceL2Tests {
  private let x = [1, -2, 3, 4, -5, 6, 7, -8, 9, 10, -11, 12] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("ReduceL2", [try tensor(x, [3, 2, 2]), try tensor([-1] as [Int64], [1])], constants: [1])
    try expect(y, near: [2.236068, 5, 7.81025, 10.63015, 13.45362, 16.27882], [3, 2, 1])
  }

  @Test func middleAxisIsLeftOut() throws {
    let y = try evaluate(
      "ReduceL2", attributes: ["keepdims": .int(0)], [try tensor(x, [3, 2, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [3.162278, 4.472136, 8.602325, 10, 14.21267, 15.6205], [3, 2])
  }

  @Test func outerAndInnerAxes() throws {
    let y = try evaluate("ReduceL2", [try tensor(x, [3, 2, 2]), try tensor([0, 2] as [Int64], [2])])
    try expect(y, near: [15.71623, 20.07486], [1, 2, 1])
  }

  @Test func allAxesWithoutAny() throws {
    try expect(try evaluate("ReduceL2", [try tensor(x, [3, 2, 2])]), near: [25.4951], [1, 1, 1])
  }

  @Test func emptySet() throws {
    let y = try evaluate("ReduceL2", [try tensor([] as [Float], [2, 0, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [0, 0, 0, 0], [2, 1, 2])
  }
}
