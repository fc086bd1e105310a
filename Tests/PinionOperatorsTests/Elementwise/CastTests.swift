import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@Suite struct CastTests {
  private func cast<T: Element>(_ elements: [T], to type: ElementType, _ attributes: [String: AttributeValue] = [:]) throws -> Tensor {
    var attributes = attributes
    attributes["to"] = .int(Int64(type.rawValue))
    return try evaluate("Cast", attributes: attributes, [try tensor(elements, [elements.count])])
  }

  private func codes(_ tensor: Tensor) -> [UInt8] { Array(tensor.bytes) }

  @Test func betweenNumbers() throws {
    try expect(try cast([1.7, -1.7, 300] as [Float], to: .int32), [1, -1, 300] as [Int32], [3])
    try expect(try cast([200] as [Int16], to: .int8), [-56] as [Int8], [1])
    try expect(try cast([0, 0.25, -1] as [Double], to: .bool), [false, true, true], [3])
    try expect(try cast([true, false], to: .float16), [1, 0] as [Float16], [2])
  }

  /// The codes of OCP's 8-bit formats specification and of ONNX's float8 page.
  @Test func toFloat8() throws {
    let x: [Float] = [0, 1, -1.0625, 448, 500, .infinity, 0.001953125]
    #expect(codes(try cast(x, to: .float8e4m3fn)) == [0, 0x38, 0xb8, 0x7e, 0x7e, 0x7e, 0x01])
    #expect(codes(try cast(x, to: .float8e4m3fn, ["saturate": .int(0)])) == [0, 0x38, 0xb8, 0x7e, 0x7f, 0x7f, 0x01])
    #expect(codes(try cast([-0.0, .nan, 240, 1000] as [Float], to: .float8e4m3fnuz)) == [0, 0x80, 0x7f, 0x7f])
    #expect(codes(try cast([1, 57344, 1e6, -.infinity] as [Float], to: .float8e5m2)) == [0x3c, 0x7b, 0x7b, 0xfb])
    #expect(codes(try cast([1e6, -.infinity] as [Float], to: .float8e5m2, ["saturate": .int(0)])) == [0x7c, 0xfc])
    #expect(codes(try cast([1, 57344] as [Float], to: .float8e5m2fnuz)) == [0x40, 0x7f])
  }

  @Test func float8RoundTrips() throws {
    for type in [ElementType.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0] {
      let format = try #require(NarrowFloat(type))
      for code in UInt8.min...UInt8.max {
        let value = format.decode(code)
        if value.isNaN { continue }
        if value.isInfinite { continue }
        #expect(format.encode(Double(value)) == code, "\(type) \(code)")
      }
    }
  }

  /// Each number between two neighbours goes to the nearer, and the middle to the even code.
  @Test func float8Rounds() throws {
    for type in [ElementType.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz] {
      let format = try #require(NarrowFloat(type))
      for code in 0..<0x7b as Range<UInt8> {
        let low = Double(format.decode(code)), high = Double(format.decode(code + 1))
        #expect(format.encode(low + (high - low) * 0.25) == code)
        #expect(format.encode(low + (high - low) * 0.75) == code + 1)
        #expect(format.encode((low + high) / 2) == code + code % 2)
      }
    }
  }

  @Test func powersOfTwo() throws {
    let x: [Float] = [1, 1.25, 1.5, 0.25]
    #expect(codes(try cast(x, to: .float8e8m0)) == [127, 128, 128, 125])
    #expect(codes(try cast(x, to: .float8e8m0, ["round_mode": .string("down")])) == [127, 127, 127, 125])
    #expect(codes(try cast(x, to: .float8e8m0, ["round_mode": .string("nearest")])) == [127, 127, 128, 125])
    #expect(throws: (any Error).self) { try cast(x, to: .float8e8m0, ["round_mode": .string("sideways")]) }
  }

  @Test func fourBits() throws {
    #expect(codes(try cast([0, 0.5, 1, 1.5, 2, 3, 4, 6, 100, -6] as [Float], to: .float4e2m1)) == [0, 1, 2, 3, 4, 5, 6, 7, 7, 15])
    #expect(codes(try cast([-9, -8, 7, 8] as [Int32], to: .int4)) == [7, 0xf8, 7, 0xf8])
    #expect(codes(try cast([17.9, 15] as [Float], to: .uint4)) == [1, 15])
    #expect(codes(try cast([-1, 2, 1] as [Int8], to: .int2)) == [0xff, 0xfe, 1])
    let narrow = try cast([-3, 5] as [Int8], to: .int4)
    try expect(try evaluate("Cast", attributes: ["to": .int(1)], [narrow]), [-3, 5] as [Float], [2])
  }

  @Test func toText() throws {
    #expect(try cast([1, -0.5, 1e-5, 1e20, .nan, -.infinity, 0.039187793] as [Float], to: .string).strings()
      == ["1.0", "-0.5", "1e-05", "1e+20", "NaN", "-INF", "0.039187793"])
    #expect(try cast([123456789, 1e15, 0] as [Double], to: .string).strings() == ["123456789.0", "1000000000000000.0", "0.0"])
    #expect(try cast([-7, 0] as [Int8], to: .string).strings() == ["-7", "0"])
  }

  @Test func plainTexts() throws {
    let texts = [
      "0", "-0", "-0.0", "7.", ".5", "007", "-12.5", "0.1", "123456789012345", "1234567890123456", "0.000000000000001", "16777217", "16777219",
      "8388608.5", "8388609.5", "0.30000001192092896", "1.00000005960464", "+3", "1e3", "123456.789",
    ]
    let strings = try Tensor(strings: texts, try Shape([texts.count]))
    let floats = try evaluate("Cast", attributes: ["to": .int(1)], [strings]), doubles = try evaluate("Cast", attributes: ["to": .int(11)], [strings])
    for (index, text) in texts.enumerated() {
      #expect(try floats.elements(as: Float.self)[index].bitPattern == Float(text)?.bitPattern, "\(text)")
      #expect(try doubles.elements(as: Double.self)[index].bitPattern == Double(text)?.bitPattern, "\(text)")
    }
    let whole = ["0", "-7", "127", "-128", "999999999999999", "9223372036854775807", "-9223372036854775808"]
    let integers = try evaluate("Cast", attributes: ["to": .int(7)], [try Tensor(strings: whole, try Shape([whole.count]))])
    try expect(integers, whole.map { Int64($0) ?? 0 }, [whole.count])
  }

  @Test func fromText() throws {
    let texts = try Tensor(strings: ["3.25", "1e-5", "+INF", "-inf", "NaN"], try Shape([5]))
    let y = try evaluate("Cast", attributes: ["to": .int(1)], [texts])
    try expect(y, near: [3.25, 1e-5, .infinity, -.infinity, .nan], [5], tolerance: 0)
    let integers = try evaluate("Cast", attributes: ["to": .int(7)], [try Tensor(strings: ["-12", "100.5"], try Shape([2]))])
    try expect(integers, [-12, 100] as [Int64], [2])
    #expect(throws: (any Error).self) {
      try evaluate("Cast", attributes: ["to": .int(1)], [try Tensor(strings: ["Hello"], try Shape([1]))])
    }
  }

  @Test func castLike() throws {
    let y = try evaluate("CastLike", [try tensor([1.5, 2.5] as [Float], [2]), try tensor([0] as [Int64], [1])])
    try expect(y, [1, 2] as [Int64], [2])
  }

  @Test func typeByName() throws {
    var draft = NodeDraft(domain: "", name: "Cast", opset: 1, attributes: ["to": .string("INT64")], inputs: [.none])
    try Cast.adapt(&draft)
    #expect(draft.attributes["to"] == .int(7))
  }

  @Test func bits() throws {
    let y = try evaluate("BitCast", attributes: ["to": .int(6)], [try tensor([1, -2] as [Float], [2])])
    try expect(y, [0x3f80_0000, Int32(bitPattern: 0xc000_0000)], [2])
    #expect(throws: (any Error).self) { try evaluate("BitCast", attributes: ["to": .int(7)], [try tensor([1] as [Float], [1])]) }
  }
}
