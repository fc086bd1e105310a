import PinionBase
import PinionGraph
import PinionTensor
import Testing

/// Operators on as many elements as their kernels take in blocks and vectors, against their definitions element by element.
@Suite struct ManyElementsTests {
  private func numbers(_ count: Int, _ step: Int = 37, from low: Int = -50) -> [Float] {
    (0..<count).map { index -> Float in Float(index * step % 101 + low) }
  }

  @Test(arguments: [0, 1]) func integerMeans(_ axis: Int) throws {
    let x: [Int64] = (0..<2100).map { index -> Int64 in Int64(index * 7919 % 1001) - 500 }
    let dims = axis == 0 ? [3, 700] : [700, 3]
    var expected: [Int64] = []
    for line in 0..<700 {
      let first = axis == 0 ? x[line] : x[line * 3], second = axis == 0 ? x[700 + line] : x[line * 3 + 1]
      let third = axis == 0 ? x[1400 + line] : x[line * 3 + 2]
      expected.append((first + second + third) / 3)
    }
    let attributes = ["keepdims": AttributeValue.int(0)]
    try expect(try evaluate("ReduceMean", attributes: attributes, [try tensor(x, dims), try ints(Int64(axis))], constants: [1]), expected, [700])
    let narrow = try tensor(x.map { Int32($0) }, dims)
    try expect(
      try evaluate("ReduceMean", attributes: attributes, [narrow, try ints(Int64(axis))], constants: [1]), expected.map { Int32($0) }, [700])
  }

  /// Outer and inner axes at once: which goes first makes no difference to an extreme.
  @Test func extremesOfOuterAndInnerAxes() throws {
    let x: [UInt8] = (0..<5040).map { index -> UInt8 in UInt8(index * 97 % 251 + 4) }
    var expected = [UInt8](repeating: 255, count: 5)
    for (index, value) in x.enumerated() {
      let row = index / 63 % 5
      expected[row] = min(expected[row], value)
    }
    let y = try evaluate("ReduceMin", attributes: ["keepdims": .int(0)], [try tensor(x, [16, 5, 63]), try ints(0, 2)], constants: [1])
    try expect(y, expected, [5])
  }

  @Test(arguments: [0, 1], [0, 1] as [Int64]) func bestOfEachLine(_ axis: Int, _ largest: Int64) throws {
    var x = numbers(40 * 9, 41)
    x[7] = .nan
    x[100] = .infinity
    let dims = axis == 0 ? [9, 40] : [40, 9]
    var values: [Float] = [], places: [Int64] = []
    for line in 0..<40 {
      let elements = (0..<9).map { axis == 0 ? x[$0 * 40 + line] : x[line * 9 + $0] }
      var best = 0
      for index in 1..<9 {
        let a = elements[index], b = elements[best]
        let isBetter = largest == 1 ? (a.isNaN && !b.isNaN) || a > b : (b.isNaN && !a.isNaN) || a < b
        if isBetter { best = index }
      }
      values.append(elements[best])
      places.append(Int64(best))
    }
    let y = try evaluate(
      "TopK", attributes: ["axis": .int(Int64(axis)), "largest": .int(largest)], [.tensor(try tensor(x, dims)), .tensor(try ints(1))],
      constants: [1], outputCount: 2)
    let shape = axis == 0 ? [1, 40] : [40, 1]
    for (got, wanted) in zip(try y[0].asTensor().elements(as: Float.self), values) { #expect(got == wanted || (got.isNaN && wanted.isNaN)) }
    try expect(try y[1].asTensor(), places, shape)
  }

  @Test(arguments: [[3, 7, 5], [1, 40, 3], [600, 2, 2]], [[2, 3, 4], [1, 1, 7], [5, 1, 2]]) func tiles(_ dims: [Int], _ times: [Int]) throws {
    let x = numbers(dims.reduce(1, *))
    let shape = zip(dims, times).map { $0 * $1 }
    var expected: [Float] = []
    for i in 0..<shape[0] {
      for j in 0..<shape[1] {
        let row = (i % dims[0] * dims[1] + j % dims[1]) * dims[2]
        for k in 0..<shape[2] { expected.append(x[row + k % dims[2]]) }
      }
    }
    let repeats = try tensor(times.map { Int64($0) }, [3])
    try expect(try evaluate("Tile", [try tensor(x, dims), repeats], constants: [1]), expected, shape)
  }

  @Test func compressedElements() throws {
    let x: [UInt16] = (0..<20_000).map { index -> UInt16 in UInt16(index * 31 % 65_521) }
    let flags: [Bool] = (0..<19_000).map { index -> Bool in index * 7 % 3 == 0 }
    let y = try evaluate("Compress", [try tensor(x, [200, 100]), try tensor(flags, [19_000])])
    let expected = zip(x, flags).filter(\.1).map(\.0)
    try expect(y, expected, [expected.count])
  }

  /// A column, columns by rows, and dot products: whole numbers, so that sums are exact.
  @Test(arguments: [[33, 1, 70], [5, 1, 1], [40, 50, 1], [1, 1, 300]]) func products(_ sizes: [Int]) throws {
    let m = sizes[0], n = sizes[1], k = sizes[2]
    let a = numbers(m * k), b = numbers(k * n, 29)
    var expected = [Float](repeating: 0, count: m * n)
    for i in 0..<m { for j in 0..<n { for p in 0..<k { expected[i * n + j] += a[i * k + p] * b[p * n + j] } } }
    try expect(try evaluate("MatMul", [try tensor(a, [m, k]), try tensor(b, [k, n])]), expected, [m, n])
    let left: [Double] = a.map { Double($0) }, right: [Double] = b.map { Double($0) }, sums: [Double] = expected.map { Double($0) }
    try expect(try evaluate("MatMul", [try tensor(left, [m, k]), try tensor(right, [k, n])]), sums, [m, n])
    let equation = ["equation": AttributeValue.string("ik,kj->ij")]
    try expect(try evaluate("Einsum", attributes: equation, [try tensor(a, [m, k]), try tensor(b, [k, n])]), expected, [m, n])
  }

  @Test func dotProductsOfABatch() throws {
    let a = numbers(4 * 6 * 50), b = numbers(4 * 6 * 50, 29)
    var expected = [Float](repeating: 0, count: 4)
    for index in a.indices { expected[index / 300] += a[index] * b[index] }
    let operands = [try tensor(a, [4, 6, 50]), try tensor(b, [4, 6, 50])]
    try expect(try evaluate("Einsum", attributes: ["equation": .string("bij,bij->b")], operands), expected, [4])
  }

  /// Half the size is the mean of four elements.
  @Test func resizeToHalf() throws {
    let x = numbers(3 * 12 * 34)
    var expected: [Float] = []
    for plane in 0..<3 {
      for row in 0..<6 {
        for column in 0..<17 {
          let first = plane * 408 + row * 68 + column * 2, second = first + 34
          let sum: Float = x[first] + x[first + 1] + x[second] + x[second + 1]
          expected.append(sum / 4)
        }
      }
    }
    let scales = try tensor([1, 1, 0.5, 0.5] as [Float], [4])
    let inputs: [Tensor?] = [try tensor(x, [1, 3, 12, 34]), nil, scales]
    let y = try evaluate("Resize", attributes: ["mode": .string("linear")], inputs, constants: [2])
    try expect(y, near: expected, [1, 3, 6, 17])
  }

  @Test(arguments: ["edge", "reflect"]) func padding(_ mode: String) throws {
    let x = numbers(4 * 31)
    var expected: [Float] = []
    for row in 0..<4 {
      for place in -3..<34 {
        let mirrored = place < 0 ? -place : place > 30 ? 60 - place : place
        let source = mode == "edge" ? min(max(place, 0), 30) : mirrored
        expected.append(x[row * 31 + source])
      }
    }
    let attributes = ["mode": AttributeValue.string(mode)]
    let y = try evaluate("Pad", attributes: attributes, [try tensor(x, [4, 31]), try ints(0, 3, 0, 3)], constants: [1])
    try expect(y, expected, [4, 37])
  }

  @Test func regionsOfMaxRoiPool() throws {
    let x = numbers(2 * 20 * 23)
    let y = try evaluate(
      "MaxRoiPool", attributes: ["pooled_shape": .ints([3, 4])],
      [try tensor(x, [1, 2, 20, 23]), try tensor([0, 2, 1, 17, 15, 0, -9, -9, -6, -7] as [Float], [2, 5])])
    // 16 by 15 elements from (2, 1) on; the second region is outside.
    var expected: [Float] = []
    for channel in 0..<2 {
      for row in 0..<3 {
        for column in 0..<4 {
          var greatest = -Float.infinity
          for v in 0..<5 {
            let first = (channel * 20 + 1 + row * 5 + v) * 23 + 2 + column * 4
            for u in 0..<4 { greatest = max(greatest, x[first + u]) }
          }
          expected.append(greatest)
        }
      }
    }
    try expect(y, expected + [Float](repeating: 0, count: 24), [2, 2, 3, 4])
  }

  /// The greatest weighted tap, for regions few and many, channels few and many.
  @Test(arguments: [[1, 3], [12, 3], [1, 19], [12, 19]], [0, 2] as [Int64]) func roiAlignMaximum(_ sizes: [Int], _ samples: Int64) throws {
    let times = sizes[0], channels = sizes[1]
    let (rows, cols) = (9, 8)
    let x = numbers(channels * rows * cols, 37, from: -20)
    let corners: [[Float]] = [[0.5, 0.25, 6, 5], [-9, -9, -4, -5], [2, -3, 12, 9]]
    var expected: [Float] = []
    for region in corners {
      for channel in 0..<channels {
        for bin in 0..<4 {
          let stepY = (region[3] - region[1]) / 2, stepX = (region[2] - region[0]) / 2
          let pointsY = samples > 0 ? Int(samples) : Int(stepY.rounded(.up)), pointsX = samples > 0 ? Int(samples) : Int(stepX.rounded(.up))
          var greatest: Float?
          for point in 0..<pointsY * pointsX {
            let partY: Float = (Float(point / pointsX) + 0.5) / Float(pointsY), partX: Float = (Float(point % pointsX) + 0.5) / Float(pointsX)
            let y: Float = region[1] - 0.5 + stepY * (Float(bin / 2) + partY)
            let column: Float = region[0] - 0.5 + stepX * (Float(bin % 2) + partX)
            guard y >= -1, y <= Float(rows), column >= -1, column <= Float(cols) else {
              greatest = max(greatest ?? 0, 0)
              continue
            }
            let inY = min(max(y, 0), Float(rows - 1)), inX = min(max(column, 0), Float(cols - 1))
            let top = Int(inY), left = Int(inX), bottom = min(top + 1, rows - 1), right = min(left + 1, cols - 1)
            let down = inY - Float(top), across = inX - Float(left)
            func at(_ row: Int, _ col: Int) -> Float { x[(channel * rows + row) * cols + col] }
            let a: Float = (1 - down) * (1 - across) * at(top, left), b: Float = (1 - down) * across * at(top, right)
            let c: Float = down * (1 - across) * at(bottom, left), d: Float = down * across * at(bottom, right)
            for tap in [a, b, c, d] { greatest = max(greatest ?? tap, tap) }
          }
          expected.append(greatest ?? 0)
        }
      }
    }
    let rois = try tensor((0..<times).flatMap { _ in corners.flatMap { $0 } }, [times * 3, 4])
    let y = try evaluate(
      "RoiAlign", attributes: ["mode": .string("max"), "output_height": .int(2), "output_width": .int(2), "sampling_ratio": .int(samples)],
      [try tensor(x, [1, channels, rows, cols]), rois, try tensor([Int64](repeating: 0, count: times * 3), [times * 3])])
    try expect(y, near: (0..<times).flatMap { _ in expected }, [times * 3, channels, 2, 2])
  }
}
