import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct ReduceSumTests {
  private let x = [1, -2, 3, 4, -5, 6, 7, -8, 9, 10, -11, 12] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("ReduceSum", [try tensor(x, [3, 2, 2]), try tensor([-1] as [Int64], [1])], constants: [1])
    try expect(y, near: [-1, 7, 1, -1, 19, 1], [3, 2, 1])
  }

  @Test func middleAxisIsLeftOut() throws {
    let y = try evaluate(
      "ReduceSum", attributes: ["keepdims": .int(0)], [try tensor(x, [3, 2, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [4, 2, 2, -2, -2, 22], [3, 2])
  }

  @Test func outerAndInnerAxes() throws {
    let y = try evaluate("ReduceSum", [try tensor(x, [3, 2, 2]), try tensor([0, 2] as [Int64], [2])])
    try expect(y, near: [19, 7], [1, 2, 1])
  }

  @Test func allAxesWithoutAny() throws {
    try expect(try evaluate("ReduceSum", [try tensor(x, [3, 2, 2])]), near: [26], [1, 1, 1])
  }

  @Test func emptySet() throws {
    let y = try evaluate("ReduceSum", [try tensor([] as [Float], [2, 0, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [0, 0, 0, 0], [2, 1, 2])
  }

  @Test func eachElementAloneWithoutAxes() throws {
    let y = try evaluate("ReduceSum", attributes: ["noop_with_empty_axes": .int(1)], [try tensor(x, [3, 2, 2])])
    try expect(y, near: x, [3, 2, 2])
  }

  @Test func integers() throws {
    let y = try evaluate("ReduceSum", [try tensor([1, 2, 3, 4_000_000_000] as [UInt32], [2, 2]), try tensor([0] as [Int64], [1])])
    try expect(y, [4, 4_000_000_002] as [UInt32], [1, 2])
  }

  @Test func largeTensorsAreSummedInParts() throws {
    let count = 600_000
    let y = try evaluate("ReduceSum", [try tensor([UInt64](repeating: 3, count: count), [count])])
    try expect(y, [UInt64(3 * count)], [1])
  }

  @Test func axisOutOfRange() throws {
    #expect(throws: PinionError.self) {
      try evaluate("ReduceSum", [try tensor([1] as [Float], [1]), try tensor([1] as [Int64], [1])])
    }
  }
}
