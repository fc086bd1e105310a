import PinionGraph
import PinionTensor
import Testing

@Suite struct QuantizeLinearTests {
  @Test func halvesRoundToEvenAndCodesSaturate() throws {
    let x = try tensor([0, 1, 3, 5, -1, 1000, -1000, .nan] as [Float], [8])
    let y = try evaluate("QuantizeLinear", [x, try Tensor(scalar: Float(2)), try Tensor(scalar: UInt8(128))])
    try expect(y, [128, 128, 130, 130, 128, 255, 0, 0] as [UInt8], [8])
  }

  @Test func scalesAlongAnAxis() throws {
    let x = try tensor([1, 2, 3, 4, 5, 6] as [Float], [2, 3])
    let last = [x, try tensor([1, 2, 3] as [Float], [3]), try tensor([0, 1, 2] as [Int8], [3])]
    try expect(try evaluate("QuantizeLinear", attributes: ["axis": .int(-1)], last), [1, 2, 3, 4, 3, 4] as [Int8], [2, 3])
    let first = [x, try tensor([1, 2] as [Float], [2]), try tensor([0, 10] as [Int16], [2])]
    try expect(try evaluate("QuantizeLinear", attributes: ["axis": .int(0)], first, constants: [1, 2]), [1, 2, 3, 12, 12, 13] as [Int16], [2, 3])
  }

  @Test func blocksAndBack() throws {
    // Blocks of two along either axis; the last one is short.
    for (axis, dims, expected) in [(Int64(1), [2, 2], [0, 1, 3, 2, 2, 6] as [UInt8]), (0, [1, 3], [0, 1, 1, 3, 2, 2])] {
      let x = try tensor([0, 1, 3, 4, 4, 6] as [Float], [2, 3])
      let scales = try tensor(axis == 1 ? [1, 1, 2, 1] as [Float] : [1, 2, 3], dims)
      let attributes: [String: AttributeValue] = ["axis": .int(axis), "block_size": .int(2)]
      let codes = try evaluate("QuantizeLinear", attributes: attributes, [x, scales])
      try expect(codes, axis == 0 ? [0, 0, 1, 4, 2, 2] as [UInt8] : expected, [2, 3])
      let numbers = try evaluate("DequantizeLinear", attributes: attributes, [codes, scales])
      try expect(numbers, axis == 0 ? [0, 0, 3, 4, 4, 6] as [Float] : [0, 1, 3, 4, 4, 6], [2, 3])
    }
  }

  @Test func narrowTypes() throws {
    let x = try tensor([-20, 3, 20] as [Float], [3])
    let scale = try Tensor(scalar: Float(2))
    func codes(_ type: ElementType) throws -> [UInt8] {
      let y = try evaluate("QuantizeLinear", attributes: ["output_dtype": .int(Int64(type.rawValue))], [x, scale])
      #expect(y.element == type)
      return Array(y.bytes)
    }
    // Each element has a byte of its own, integers with their sign.
    #expect(try codes(.int4) == [UInt8(bitPattern: -8), 2, 7])
    #expect(try codes(.uint2) == [0, 2, 3])
    // 1.5 is exponent 0, half a mantissa: 0 0111 100 in e4m3, and 10 is 0 1010 010.
    #expect(try codes(.float8e4m3fn) == [0xd2, 0x3c, 0x52])
    // e2m1 ends at 6 (0 11 1); 1.5 is 0 01 1.
    #expect(try codes(.float4e2m1) == [0xf, 0x3, 0x7])
  }

  @Test func quotientsOfHalvesAreHalves() throws {
    // 2049 is no float16: the operand is 2048, and 2048 / 3 = 682.67 is rounded to 682.5 before it is rounded to even.
    let y = try evaluate(
      "QuantizeLinear", [try tensor([2049] as [Float], [1]), try Tensor(scalar: Float16(3)), try Tensor(scalar: UInt16(0))])
    try expect(y, [682] as [UInt16], [1])
  }

  @Test func zeroPointGoesWithItsScale() throws {
    #expect(throws: (any Error).self) {
      try evaluate("QuantizeLinear", [try tensor([1] as [Float], [1]), try Tensor(scalar: Float(1)), try tensor([1, 2] as [UInt8], [2])])
    }
  }
}

@Suite struct DequantizeLinearTests {
  @Test func typesOfTheResult() throws {
    let x = try tensor([0, 128, 255] as [UInt8], [3])
    let zero = try Tensor(scalar: UInt8(128))
    try expect(try evaluate("DequantizeLinear", [x, try Tensor(scalar: Float(0.5)), zero]), [-64, 0, 63.5] as [Float], [3])
    try expect(try evaluate("DequantizeLinear", [x, try Tensor(scalar: Float16(0.5)), zero]), [-64, 0, 63.5] as [Float16], [3])
  }

  @Test func codesOf32Bits() throws {
    let y = try evaluate(
      "DequantizeLinear", attributes: ["axis": .int(0)], [try tensor([7, -9] as [Int32], [2]), try tensor([2, 0.25] as [Float], [2])])
    try expect(y, [14, -2.25] as [Float], [2])
  }
}

@Suite struct DynamicQuantizeLinearTests {
  @Test func rangeIncludesZero() throws {
    let y = try evaluate("DynamicQuantizeLinear", [.tensor(try tensor([51, 102, 255] as [Float], [3]))], outputCount: 3)
    try expect(try y[0].asTensor(), [51, 102, 255] as [UInt8], [3])
    try expect(try y[1].asTensor(), [1] as [Float], [])
    try expect(try y[2].asTensor(), [0] as [UInt8], [])
  }
}
