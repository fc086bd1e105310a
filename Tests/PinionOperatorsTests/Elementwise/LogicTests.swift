import PinionGraph
import PinionTensor
import Testing

@Suite struct LogicTests {
  @Test func bools() throws {
    let a = try tensor([true, true, false, false], [2, 2]), b = try tensor([true, false], [2])
    try expect(try evaluate("And", [a, b]), [true, false, false, false], [2, 2])
    try expect(try evaluate("Or", [a, b]), [true, true, true, false], [2, 2])
    try expect(try evaluate("Xor", [a, b]), [false, true, true, false], [2, 2])
  }

  @Test func comparisons() throws {
    let a = try tensor([1, 2, 3, .nan] as [Float], [4]), b = try tensor([2] as [Float], [])
    try expect(try evaluate("Less", [a, b]), [true, false, false, false], [4])
    try expect(try evaluate("LessOrEqual", [a, b]), [true, true, false, false], [4])
    try expect(try evaluate("Greater", [a, b]), [false, false, true, false], [4])
    try expect(try evaluate("GreaterOrEqual", [a, b]), [false, true, true, false], [4])
    try expect(try evaluate("Equal", [a, b]), [false, true, false, false], [4])
    try expect(try evaluate("Less", [try tensor([UInt8(200)], [1]), try tensor([UInt8(100)], [1])]), [false], [1])
  }

  @Test func texts() throws {
    let a = try Tensor(strings: ["string1", "string2", ""], try Shape([3])), b = try Tensor(strings: ["string1"], try Shape([1]))
    try expect(try evaluate("Equal", [a, b]), [true, false, false], [3])
  }

  @Test func bits() throws {
    let a = try tensor([0b1100] as [UInt8], [1]), b = try tensor([0b1010] as [UInt8], [1])
    try expect(try evaluate("BitwiseAnd", [a, b]), [0b1000] as [UInt8], [1])
    try expect(try evaluate("BitwiseOr", [a, b]), [0b1110] as [UInt8], [1])
    try expect(try evaluate("BitwiseXor", [a, b]), [0b0110] as [UInt8], [1])
    #expect(throws: (any Error).self) { try evaluate("BitwiseAnd", [try tensor([1] as [Float], [1]), try tensor([1] as [Float], [1])]) }
  }

  @Test func shifts() throws {
    let right: [String: AttributeValue] = ["direction": .string("RIGHT")], left: [String: AttributeValue] = ["direction": .string("LEFT")]
    let places = try tensor([1, 2, 3, 8] as [UInt8], [4])
    let bytes = try tensor([16, 4, 1, 255] as [UInt8], [4])
    try expect(try evaluate("BitShift", attributes: right, [bytes, places]), [8, 1, 0, 0] as [UInt8], [4])
    try expect(try evaluate("BitShift", attributes: left, [bytes, places]), [32, 16, 8, 0] as [UInt8], [4])
    let x = try tensor([-8, -8, -8, 8, 8] as [Int32], [5]), y = try tensor([1, 32, -1, 40, 2] as [Int32], [5])
    try expect(try evaluate("BitShift", attributes: right, [x, y]), [-4, -1, -1, 0, 2] as [Int32], [5])
    try expect(try evaluate("BitShift", attributes: left, [x, y]), [-16, 0, 0, 0, 32] as [Int32], [5])
    #expect(throws: (any Error).self) { try evaluate("BitShift", [x, y]) }
  }

  @Test func selection() throws {
    let condition = try tensor([true, false, false], [3, 1]), x = try tensor([1, 2] as [Int64], [2]), y = try tensor([9] as [Int64], [])
    try expect(try evaluate("Where", [condition, x, y]), [1, 2, 9, 9, 9, 9] as [Int64], [3, 2])
    let texts = try evaluate(
      "Where", [condition, try Tensor(strings: ["a"], try Shape([1])), try Tensor(strings: ["b"], try Shape([1]))])
    #expect(try texts.strings() == ["a", "b", "b"])
    #expect(throws: (any Error).self) { try evaluate("Where", [x, x, x]) }
  }

  @Test func predicates() throws {
    let x = try tensor([1, .nan, .infinity, -.infinity] as [Float], [4])
    try expect(try evaluate("IsNaN", [x]), [false, true, false, false], [4])
    try expect(try evaluate("IsInf", [x]), [false, false, true, true], [4])
    try expect(try evaluate("IsInf", attributes: ["detect_negative": .int(0)], [x]), [false, false, true, false], [4])
    try expect(try evaluate("IsInf", attributes: ["detect_positive": .int(0)], [x]), [false, false, false, true], [4])
    let narrow = try Tensor(TensorType(.float8e5m2, try Shape([4])))
    narrow.data.copyMemory(from: [0x3c, 0x7e, 0x7c, 0xfc] as [UInt8], byteCount: 4)
    try expect(try evaluate("IsNaN", [narrow]), [false, true, false, false], [4])
    try expect(try evaluate("IsInf", [narrow]), [false, false, true, true], [4])
  }
}
