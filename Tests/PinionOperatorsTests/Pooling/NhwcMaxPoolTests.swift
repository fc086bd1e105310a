import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct NhwcMaxPoolTests {
  private func pool(_ x: Tensor, _ attributes: [String: AttributeValue]) throws -> Tensor {
    try evaluate("NhwcMaxPool", domain: "com.microsoft", attributes: attributes, [x])
  }

  @Test func eachChannelHasAMaximumOfItsOwn() throws {
    // Channels [1, 2, 3, 4] and [8, 7, 6, 5] of a square.
    let x = try tensor([1, 8, 2, 7, 3, 6, 4, 5] as [UInt8], [1, 2, 2, 2])
    try expect(try pool(x, ["kernel_shape": .ints([2, 2])]), [4, 8] as [UInt8], [1, 1, 1, 2])
    try expect(try pool(x, ["kernel_shape": .ints([1, 2])]), [2, 8, 4, 6] as [UInt8], [1, 2, 1, 2])
  }

  @Test func paddingIsNeverTheMaximum() throws {
    let x = try tensor([-5, -7, -3] as [Int8], [1, 3, 1])
    try expect(try pool(x, ["kernel_shape": .ints([2]), "pads": .ints([1, 1])]), [-5, -5, -3, -3] as [Int8], [1, 4, 1])
    try expect(try pool(x, ["kernel_shape": .ints([2]), "dilations": .ints([2])]), [-3] as [Int8], [1, 1, 1])
    try expect(try pool(x, ["kernel_shape": .ints([2]), "strides": .ints([2]), "ceil_mode": .int(1)]), [-5, -3] as [Int8], [1, 2, 1])
  }

  @Test func operandsAreChecked() throws {
    for x in [try tensor([1, 2] as [Float], [1, 2, 1]), try tensor([1, 2] as [UInt8], [1, 2]), try tensor([1] as [UInt8], [1, 1, 1])] {
      #expect(throws: PinionError.self) { try pool(x, ["kernel_shape": .ints([2])]) }
    }
  }
}
