import PinionGraph
import PinionTensor
import Testing

@Suite struct RangeTests {
  @Test func integers() throws {
    let y = try evaluate("Range", [try tensor([10] as [Int32], []), try tensor([6] as [Int32], []), try tensor([-3] as [Int32], [])])
    try expect(y, [10, 7] as [Int32], [2])
    let wide = try evaluate("Range", [try tensor([Int64.min], []), try tensor([Int64.max], []), try tensor([Int64.max], [])])
    try expect(wide, [Int64.min, -1, Int64.max - 1], [3])
  }

  @Test func floats() throws {
    let y = try evaluate("Range", [try tensor([1] as [Float], []), try tensor([5] as [Float], []), try tensor([2] as [Float], [])])
    try expect(y, [1, 3] as [Float], [2])
    let none = try evaluate("Range", [try tensor([1] as [Double], []), try tensor([0] as [Double], []), try tensor([2] as [Double], [])])
    try expect(none, [] as [Double], [0])
    let half = try evaluate("Range", try [2048, 2056, 2].map { try tensor([Float16($0)], []) })
    try expect(half, [2048, 2050, 2052, 2054] as [Float16], [4])
  }

  @Test func aStepOfZeroIsAnError() throws {
    #expect(throws: (any Error).self) {
      try evaluate("Range", [try tensor([1] as [Int64], []), try tensor([5] as [Int64], []), try tensor([0] as [Int64], [])])
    }
    #expect(throws: (any Error).self) {
      try evaluate("Range", [try tensor([0] as [Float], []), try tensor([.infinity] as [Float], []), try tensor([1] as [Float], [])])
    }
  }
}

@Suite struct CumulativeTests {
  @Test func alongTheLastAxis() throws {
    let x = try tensor([1, 2, 3, 4, 5, 6] as [Double], [2, 3]), axis = try tensor([1] as [Int32], [])
    try expect(try evaluate("CumSum", [x, axis], constants: [1]), [1, 3, 6, 4, 9, 15] as [Double], [2, 3])
    try expect(try evaluate("CumSum", attributes: ["exclusive": .int(1)], [x, axis]), [0, 1, 3, 0, 4, 9] as [Double], [2, 3])
    try expect(try evaluate("CumSum", attributes: ["reverse": .int(1)], [x, axis]), [6, 5, 3, 15, 11, 6] as [Double], [2, 3])
    try expect(
      try evaluate("CumProd", attributes: ["reverse": .int(1), "exclusive": .int(1)], [x, axis]), [6, 3, 1, 30, 6, 1] as [Double], [2, 3])
  }

  @Test func alongTheFirstAxis() throws {
    let x = try tensor([1, 2, 3, 4, 5, 6] as [Int32], [2, 3])
    try expect(try evaluate("CumSum", [x, try tensor([-2] as [Int64], [1])]), [1, 2, 3, 5, 7, 9] as [Int32], [2, 3])
    try expect(try evaluate("CumProd", [x, try tensor([0] as [Int64], [])]), [1, 2, 3, 4, 10, 18] as [Int32], [2, 3])
  }

  /// More lines than vectors and tasks have, along each axis, in both directions.
  @Test(arguments: [0, 1, 2], [0, 1]) func manyLines(_ axis: Int, _ reverse: Int64) throws {
    let dims = [19, 260, 21], strides = [260 * 21, 21, 1]
    let x = (0..<dims.reduce(1, *)).map { Int64($0 * 37 % 101 - 50) }
    for exclusive in [Int64(0), 1] {
      var sums = x
      for start in x.indices where start / strides[axis] % dims[axis] == 0 {
        var running: Int64 = 0
        for step in 0..<dims[axis] {
          let at = start + (reverse == 1 ? dims[axis] - 1 - step : step) * strides[axis]
          sums[at] = exclusive == 1 ? running : running + x[at]
          running += x[at]
        }
      }
      let attributes: [String: AttributeValue] = ["exclusive": .int(exclusive), "reverse": .int(reverse)]
      let place = try tensor([Int64(axis)], [])
      try expect(try evaluate("CumSum", attributes: attributes, [try tensor(x, dims), place], constants: [1]), sums, dims)
      try expect(
        try evaluate("CumSum", attributes: attributes, [try tensor(x.map(Float.init), dims), place], constants: [1]), sums.map(Float.init), dims)
    }
  }

  @Test func keepsNegativeZero() throws {
    let y = try evaluate("CumSum", [try tensor([-0.0, -0.0, 1] as [Float], [3]), try tensor([0] as [Int64], [])])
    #expect(try y.elements(as: Float.self).map(\.sign) == [.minus, .minus, .plus])
  }

  @Test func axisOutOfRange() throws {
    #expect(throws: (any Error).self) { try evaluate("CumSum", [try tensor([1] as [Float], [1]), try tensor([1] as [Int64], [])]) }
  }
}

@Suite struct EyeLikeTests {
  @Test func diagonals() throws {
    let x = try tensor([Float](repeating: 7, count: 6), [2, 3])
    try expect(try evaluate("EyeLike", [x]), [1, 0, 0, 0, 1, 0] as [Float], [2, 3])
    try expect(try evaluate("EyeLike", attributes: ["k": .int(1), "dtype": .int(7)], [x]), [0, 1, 0, 0, 0, 1] as [Int64], [2, 3])
    try expect(try evaluate("EyeLike", attributes: ["k": .int(.min), "dtype": .int(9)], [x]), [Bool](repeating: false, count: 6), [2, 3])
  }
}

@Suite struct DetTests {
  @Test func matrices() throws {
    try expect(try evaluate("Det", [try tensor([1, 2, 3, 4] as [Float], [2, 2])]), near: [-2], [])
    let stack = try tensor([1, 2, 3, 4, 1, 2, 2, 1, 0, 1, 1, 0] as [Double], [3, 2, 2])
    try expect(try evaluate("Det", [stack]), [-2, -3, -1] as [Double], [3])
    #expect(throws: (any Error).self) { try evaluate("Det", [try tensor([1, 2] as [Float], [1, 2])]) }
  }
}

@Suite struct SwiGLUTests {
  @Test func example() throws {
    let y = try evaluate("SwiGLU", [try tensor([0, 1, -2] as [Float], [3]), try tensor([5, 2, 3] as [Float], [3])])
    try expect(y, near: [0, 1.4621172, -0.7152175], [3])
    #expect(throws: (any Error).self) { try evaluate("SwiGLU", [try tensor([0] as [Float], [1]), try tensor([5, 2] as [Float], [2])]) }
  }
}
