import PinionGraph
import PinionTensor
import Testing

@Suite struct IntegerProductTests {
  @Test(arguments: [(1, 33, 70), (9, 40, 17)], [false, true])
  func matrices(sizes: (m: Int, n: Int, k: Int), isConstant: Bool) throws {
    let (m, n, k) = sizes
    let a = (0..<(m * k)).map { UInt8(($0 * 37 + 5) % 256) }, b = (0..<(k * n)).map { Int8(($0 * 29 + 3) % 256 - 128) }
    let rows = (0..<m).map { UInt8($0 * 11 % 200) }, columns = (0..<n).map { Int8($0 % 7 - 3) }
    var expected = [Int32](repeating: 0, count: m * n)
    for i in 0..<m {
      for j in 0..<n {
        for p in 0..<k { expected[i * n + j] += (Int32(a[i * k + p]) - Int32(rows[i])) * (Int32(b[p * n + j]) - Int32(columns[j])) }
      }
    }
    let y = try evaluate(
      "MatMulInteger", [try tensor(a, [m, k]), try tensor(b, [k, n]), try tensor(rows, [m]), try tensor(columns, [n])],
      constants: isConstant ? [1, 3] : [])
    try expect(y, expected, [m, n])
  }

  @Test func quantisedResult() throws {
    // (10 - 2) * 0.5 * (7 - 1) * 0.25 = 6, which is code 6 / 0.5 + 3.
    let y = try evaluate(
      "QLinearMatMul",
      [
        try tensor([10] as [UInt8], [1, 1]), try Tensor(scalar: Float(0.5)), try Tensor(scalar: UInt8(2)), try tensor([7] as [Int8], [1, 1]),
        try Tensor(scalar: Float(0.25)), try Tensor(scalar: Int8(1)), try Tensor(scalar: Float(0.5)), try Tensor(scalar: UInt8(3)),
      ])
    try expect(y, [15] as [UInt8], [1, 1])
  }

  @Test func convolutionPadsWithItsZeroPoint() throws {
    let x = try tensor([3, 4] as [UInt8], [1, 1, 2]), w = try tensor([2, 1, 5] as [UInt8], [1, 1, 3])
    let y = try evaluate(
      "ConvInteger", attributes: ["pads": .ints([1, 1])], [x, w, try Tensor(scalar: UInt8(1)), try tensor([1] as [UInt8], [1])])
    // Taps 1, 0, 4 over 0, 2, 3, 0.
    try expect(y, [12, 2] as [Int32], [1, 1, 2])
  }

  @Test func convolutionWithAScaleForEachChannel() throws {
    let x = try tensor([1, 2, 3, 4] as [UInt8], [1, 2, 2]), w = try tensor([1, 2, -1, 3] as [Int8], [2, 2, 1])
    let y = try evaluate(
      "QLinearConv",
      [
        x, try Tensor(scalar: Float(1)), try Tensor(scalar: UInt8(0)), w, try tensor([1, 0.5] as [Float], [2]), try tensor([0, 0] as [Int8], [2]),
        try Tensor(scalar: Float(2)), try Tensor(scalar: UInt8(10)), try tensor([1, -2] as [Int32], [2]),
      ], constants: [3, 4, 5])
    // Sums 7, 10 and 8, 10; with bias 8, 11 and 6, 8; factors 0.5 and 0.25: 4, 5.5 and 1.5, 2.
    try expect(y, [14, 16, 12, 12] as [UInt8], [1, 2, 2])
  }

  @Test func channelsByThemselves() throws {
    let x = try tensor([1, 2, 3, 4, 5, 6] as [Int8], [1, 2, 3]), w = try tensor([1, 1, 2, -1] as [Int8], [2, 1, 2])
    try expect(try evaluate("ConvInteger", attributes: ["group": .int(2)], [x, w]), [3, 5, 3, 4] as [Int32], [1, 2, 2])
  }

  @Test func onlyBytes() throws {
    let x = try tensor([1] as [Int32], [1, 1])
    #expect(throws: (any Error).self) { try evaluate("MatMulInteger", [x, x]) }
  }
}
