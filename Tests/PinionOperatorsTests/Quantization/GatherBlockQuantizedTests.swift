import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct GatherBlockQuantizedTests {
  private func gather(_ inputs: [Tensor?], _ attributes: [String: AttributeValue]) throws -> Tensor {
    try evaluate("GatherBlockQuantized", domain: "com.microsoft", attributes: attributes, inputs, constants: [0, 2, 3])
  }

  @Test func codesOfFourBitsLieLowBitsFirst() throws {
    // Rows of 20 codes: 0 to 15, 0 to 3, in blocks of 16 and 4. Without zero points 8 stands for 0.
    let row: [UInt8] = [0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe, 0x10, 0x32]
    let data = try tensor(row + row.map { _ in 0x88 }, [2, 10])
    let scales = try tensor([1, 0.5, 1, 1] as [Float], [2, 2])
    let numbers = (0..<16).map { Float($0 - 8) } + [-4, -3.5, -3, -2.5]
    let zeros = [Float](repeating: 0, count: 20)
    try expect(
      try gather([data, try tensor([0, -1, 2] as [Int64], [3]), scales], ["block_size": .int(16)]), numbers + zeros + zeros, [3, 20])
    // Zero points 1 and 2 of the first row in one byte.
    let points = try tensor([0x21, 0x88] as [UInt8], [2, 1])
    try expect(
      try gather([data, try tensor([0] as [Int32], []), scales, points], ["block_size": .int(16)]),
      (0..<16).map { Float($0 - 1) } + [-1, -0.5, 0, 0.5], [20])
  }

  @Test func codesOfTwoBits() throws {
    let data = try tensor([0b11_10_01_00, 0, 0, 0] as [UInt8], [1, 4])
    try expect(
      try gather(
        [data, try tensor([0] as [Int64], [1]), try tensor([2] as [Float], [1, 1]), try tensor([0b01] as [UInt8], [1, 1])],
        ["block_size": .int(16), "bits": .int(2)]), [-2, 0, 2, 4] + [Float](repeating: -2, count: 12), [1, 16])
  }

  @Test func blocksAlongAnyAxis() throws {
    // 17 rows of 2: codes 1 and 2 under the scales [1, 2] and, in the last row's block, [10, 20].
    let codes = (0..<17).flatMap { _ in [1, 2] as [UInt8] }
    let data = try Tensor.int4(codes, [17, 2])
    let y = try gather(
      [data, try tensor([1, 0] as [Int64], [2]), try tensor([1, 2, 10, 20] as [Float], [2, 2])],
      ["block_size": .int(16), "quantize_axis": .int(0), "gather_axis": .int(1)])
    try expect(y, (0..<16).flatMap { _ in [4, 1] as [Float] } + [40, 10], [17, 2])
  }

  @Test func operandsAreChecked() throws {
    let data = try tensor([UInt8](repeating: 0, count: 16), [2, 8]), index = try tensor([0] as [Int64], [1])
    let scales = try tensor([1, 1] as [Float], [2, 1])
    for (inputs, attributes) in [
      ([data, index, try tensor([1] as [Float], [1, 1])], [:]), ([data, index, try tensor([1, 1] as [Double], [2, 1])], [:]),
      ([data, try tensor([0] as [Float], [1]), scales], [:]), ([data, index, scales, try tensor([1, 1] as [UInt8], [1, 2])], [:]),
      ([data, index, scales], ["block_size": .int(17)]), ([data, index, scales], ["block_size": .int(0)]),
      ([data, index, scales], ["gather_axis": .int(1)]), ([data, index, scales], ["bits": .int(3)]),
      ([scales, index, scales], [:]),
    ] as [([Tensor?], [String: AttributeValue])] {
      #expect(throws: PinionError.self) { try gather(inputs, attributes) }
    }
  }
}

extension Tensor {
  /// Codes of four bits, a byte each in memory.
  fileprivate static func int4(_ codes: [UInt8], _ dims: [Int]) throws -> Tensor {
    let bytes = try Tensor(codes, try Shape(dims))
    return Tensor(TensorType(.int4, bytes.shape), data: bytes.data, owner: Kept(bytes))
  }

  private final class Kept {
    let tensor: Tensor
    init(_ tensor: Tensor) { self.tensor = tensor }
  }
}
