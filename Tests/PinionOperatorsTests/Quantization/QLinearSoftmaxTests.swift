import Glibc
import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct QLinearSoftmaxTests {
  private func softmax<T: Element & FixedWidthInteger>(
    _ x: [T], _ dims: [Int], scale: Float, zero: T, opset: Int64 = 13, axis: Int64 = -1
  ) throws -> Tensor {
    try evaluate(
      "QLinearSoftmax", domain: "com.microsoft", attributes: ["opset": .int(opset), "axis": .int(axis)],
      [try tensor(x, dims), try Tensor(scalar: logf(2)), nil, try Tensor(scalar: scale), try Tensor(scalar: zero)])
  }

  @Test func sharesOfALine() throws {
    // A step of x doubles: shares 2/3 and 1/3 of 256 and 1/2 twice.
    try expect(try softmax([8, 7, 3, 3] as [UInt8], [2, 2], scale: 1 / 256, zero: 0), [171, 85, 128, 128] as [UInt8], [2, 2])
    try expect(try softmax([8, 3, 7, 3] as [UInt8], [2, 2], scale: 1 / 256, zero: 0, axis: 0), [171, 128, 85, 128] as [UInt8], [2, 2])
  }

  @Test func beforeOpset13ALineRunsOverAllFollowingAxes() throws {
    // Powers 4, 2, 1, 1 of 8.
    try expect(try softmax([-1, -2, -3, -3] as [Int8], [1, 2, 2], scale: 1 / 64, zero: 10, opset: 12, axis: 1), [42, 26, 18, 18] as [Int8], [1, 2, 2])
  }

  @Test func aCodeOutOfRangeSaturates() throws {
    try expect(try softmax([100, -100] as [Int8], [2], scale: 1 / 256, zero: -128), [127, -128] as [Int8], [2])
  }

  @Test func longLinesGoByATable() throws {
    // 300 equal shares of 3000.
    try expect(
      try softmax([UInt8](repeating: 9, count: 300), [300], scale: 1 / 3000, zero: 1), [UInt8](repeating: 11, count: 300), [300])
  }

  @Test func operandsAreChecked() throws {
    let attributes: [String: AttributeValue] = ["opset": .int(13)]
    let x = try tensor([1, 2] as [UInt8], [2]), one = try Tensor(scalar: Float(1)), zero = try Tensor(scalar: UInt8(0))
    for inputs in [
      [x, zero, nil, one, zero], [x, one, nil, one, one], [x, try tensor([1, 1] as [Float], [2]), nil, one, zero],
      [try tensor([1] as [Float], [1]), one, nil, one, zero], [x, one, one, one, zero],
    ] as [[Tensor?]] {
      #expect(throws: PinionError.self) { try evaluate("QLinearSoftmax", domain: "com.microsoft", attributes: attributes, inputs) }
    }
  }
}
