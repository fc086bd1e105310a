import PinionBase
import PinionGraph
import PinionTensor
import Testing

/// Numbers that have no integer: the operators give a result, or say what they found.
@Suite struct ExtremeValueTests {
  /// Where the scale of a part is 0, each of its numbers is 0, and so its code the zero point of the result. Where the result's scale is 0,
  /// the quotient is infinite on the side of its sign and the code the end of the range; 0 / 0 is no number and gets
  /// the lowest code, as QuantizeLinear gives it (0, or -128 for int8).
  @Test(arguments: [(0.5, 0, [7, 7, 7]), (0, 0.5, [0, 0, 255]), (Float.nan, 0.5, [0, 0, 0])] as [(Float, Float, [UInt8])])
  func qLinearConcat(yScale: Float, xScale: Float, expected: [UInt8]) throws {
    let y = try evaluate(
      "QLinearConcat", domain: "com.microsoft", attributes: ["axis": .int(0)],
      [
        try Tensor(scalar: yScale), try Tensor(scalar: 7 as UInt8), try tensor([0, 3, 9] as [UInt8], [3]), try Tensor(scalar: xScale),
        try Tensor(scalar: 3 as UInt8),
      ])
    try expect(y, expected, [3])
  }

  @Test func qLinearConcatOfSignedCodes() throws {
    let y = try evaluate(
      "QLinearConcat", domain: "com.microsoft", attributes: ["axis": .int(0)],
      [
        try Tensor(scalar: 0 as Float), try Tensor(scalar: 7 as Int8), try tensor([-4, 3, 9] as [Int8], [3]), try Tensor(scalar: 0.5 as Float),
        try Tensor(scalar: 3 as Int8),
      ])
    try expect(y, [-128, -128, 127] as [Int8], [3])
    let quantized = try evaluate(
      "QuantizeLinear", [try tensor([-3.5, 0, 3] as [Float], [3]), try Tensor(scalar: 0 as Float), try Tensor(scalar: 7 as Int8)])
    try expect(quantized, [-128, -128, 127] as [Int8], [3])
  }

  @Test(arguments: [1e30, -1e30, .nan, .infinity, 4e9] as [Float], ["avg", "max"])
  func roiAlign(coordinate: Float, mode: String) throws {
    for corner in 0..<4 {
      var corners: [Float] = [0, 0, 1, 1]
      corners[corner] = coordinate
      do {
        let y = try evaluate(
          "RoiAlign", attributes: ["mode": .string(mode), "output_height": .int(2), "output_width": .int(2)],
          [try tensor([1, 2, 3, 4] as [Float], [1, 1, 2, 2]), try tensor(corners, [1, 4]), try tensor([0] as [Int64], [1])])
        #expect(y.shape.dims == [1, 1, 2, 2])
      } catch let error as PinionError {
        #expect(error.code == .invalidValue)
      }
    }
  }

  /// A region far outside: every sampling point is outside and counts as 0.
  @Test func roiAlignOutside() throws {
    let y = try evaluate(
      "RoiAlign", attributes: ["output_height": .int(1), "output_width": .int(1), "sampling_ratio": .int(1)],
      [
        try tensor([1, 2, 3, 4] as [Float], [1, 1, 2, 2]), try tensor([1e9, 1e9, 1e9 + 128, 1e9 + 128] as [Float], [1, 4]),
        try tensor([0] as [Int64], [1]),
      ])
    try expect(y, [0] as [Float], [1, 1, 1, 1])
  }
}
