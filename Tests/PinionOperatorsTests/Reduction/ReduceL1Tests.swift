import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct ReduceL1Tests {
  private let x = [1, -2, 3, 4, -5, 6, 7, -8, 9, 10, -11, 12] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("ReduceL1", [try tensor(x, [3, 2, 2]), try tensor([-1] as [Int64], [1])], constants: [1])
    try expect(y, near: [3, 7, 11, 15, 19, 23], [3, 2, 1])
  }

  @Test func middleAxisIsLeftOut() throws {
    let y = try evaluate(
      "ReduceL1", attributes: ["keepdims": .int(0)], [try tensor(x, [3, 2, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [4, 6, 12, 14, 20, 22], [3, 2])
  }

  @Test func outerAndInnerAxes() throws {
    let y = try evaluate("ReduceL1", [try tensor(x, [3, 2, 2]), try tensor([0, 2] as [Int64], [2])])
    try expect(y, near: [33, 45], [1, 2, 1])
  }

  @Test func allAxesWithoutAny() throws {
    try expect(try evaluate("ReduceL1", [try tensor(x, [3, 2, 2])]), near: [78], [1, 1, 1])
  }

  @Test func emptySet() throws {
    let y = try evaluate("ReduceL1", [try tensor([] as [Float], [2, 0, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [0, 0, 0, 0], [2, 1, 2])
  }
}
