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

@Suite struct ReduceMinTests {
  private let x = [1, -2, 3, 4, -5, 6, 7, -8, 9, 10, -11, 12] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("ReduceMin", [try tensor(x, [3, 2, 2]), try tensor([-1] as [Int64], [1])], constants: [1])
    try expect(y, near: [-2, 3, -5, -8, 9, -11], [3, 2, 1])
  }

  @Test func middleAxisIsLeftOut() throws {
    let y = try evaluate(
      "ReduceMin", attributes: ["keepdims": .int(0)], [try tensor(x, [3, 2, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [1, -2, -5, -8, -11, 10], [3, 2])
  }

  @Test func outerAndInnerAxes() throws {
    let y = try evaluate("ReduceMin", [try tensor(x, [3, 2, 2]), try tensor([0, 2] as [Int64], [2])])
    try expect(y, near: [-5, -11], [1, 2, 1])
  }

  @Test func allAxesWithoutAny() throws {
    try expect(try evaluate("ReduceMin", [try tensor(x, [3, 2, 2])]), near: [-11], [1, 1, 1])
  }

  @Test func emptySet() throws {
    let y = try evaluate("ReduceMin", [try tensor([] as [Float], [2, 0, 2]), try tensor([1] as [Int64], [1])], constants: [1])
    try expect(y, near: [.infinity, .infinity, .infinity, .infinity], [2, 1, 2])
  }

  @Test func booleans() throws {
    let y = try evaluate(
      "ReduceMin", attributes: ["keepdims": .int(0)],
      [try tensor([true, true, false, true] as [Bool], [2, 2]), try tensor([1] as [Int64], [1])])
    try expect(y, [true, false], [2])
  }

  @Test func notANumberWins() throws {
    let y = try evaluate("ReduceMin", [try tensor([1, .nan, 3] as [Float], [3])])
    #expect(try y.elements(as: Float.self)[0].isNaN)
  }
}

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
