import PinionBase
import Testing

@testable import PinionImport

@Suite struct WireReaderTests {
  func reader(_ bytes: [UInt8], depth: Int = 100) throws -> WireReader {
    var limits = WireLimits()
    limits.depth = depth
    return WireReader(try file(bytes).all, limits: limits)
  }

  @Test(arguments: [
    ([0x00], 0), ([0x01], 1), ([0x96, 0x01], 150), ([0xff, 0x7f], 16383),
    ([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], UInt64.max),
    ([0x80, 0x80, 0x00], 0),
  ] as [([UInt8], UInt64)])
  func readsVarints(bytes: [UInt8], value: UInt64) throws {
    var reader = try reader(bytes)
    #expect(try reader.varint() == value)
    #expect(reader.isAtEnd)
  }

  @Test(arguments: [[0x80], [0xff, 0xff], [UInt8](repeating: 0xff, count: 10), [UInt8](repeating: 0x80, count: 11)] as [[UInt8]])
  func refusesVarintsWithoutEnd(bytes: [UInt8]) throws {
    var reader = try reader(bytes)
    #expect(throws: PinionError.self) { try reader.varint() }
  }

  @Test func readsFixedWidthsAtAnyAlignment() throws {
    var reader = try reader([0x00, 0x01, 0x02, 0x03, 0x04, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18])
    _ = try reader.varint()
    #expect(try reader.fixed32() == 0x0403_0201)
    #expect(try reader.fixed64() == 0x1817_1615_1413_1211)
    #expect(throws: PinionError.self) { try reader.fixed32() }
  }

  @Test(arguments: [
    Wire.tag(0, 0) + [0], Wire.tag(1, 6), Wire.tag(1, 7), Wire.varint(1 << 32 | 8) + [0], Wire.varint(.max) + [0],
  ])
  func refusesInvalidTags(bytes: [UInt8]) { #expect(throws: PinionError.self) { try model(bytes) } }

  @Test(arguments: [2, 1 << 20, 1 << 31, UInt64(Int64.max), UInt64.max])
  func refusesLengthsBehindTheEnd(length: UInt64) {
    #expect(throws: PinionError.self) { try model(Wire.tag(7, 2) + Wire.varint(length) + [0]) }
    #expect(throws: PinionError.self) { try model(Wire.tag(99, 2) + Wire.varint(length) + [0]) }
  }

  @Test func skipsUnknownFieldsOfEveryLayout() throws {
    let unknown: [[UInt8]] = [
      Wire.int(99, -1), Wire.tag(99, 1) + [1, 2, 3, 4, 5, 6, 7, 8], Wire.text(99, "x"), Wire.float(99, 1),
      Wire.tag(99, 3) + Wire.int(1, 5) + Wire.tag(2, 3) + Wire.text(3, "y") + Wire.tag(2, 4) + Wire.tag(99, 4),
    ]
    for bytes in unknown { #expect(try model(bytes + Wire.int(1, 8)).irVersion == 8) }
  }

  @Test func knownFieldsOfAnotherLayoutAreUnknown() throws {
    #expect(try model(Wire.text(1, "8") + Wire.int(2, 7) + Wire.int(1, 9)).irVersion == 9)
    #expect(try model(Wire.int(7, 1)).graph == nil)
  }

  @Test(arguments: [
    Wire.tag(5, 3), Wire.tag(5, 3) + Wire.tag(6, 4), Wire.tag(5, 4), Wire.tag(5, 3) + Wire.tag(6, 3) + Wire.tag(5, 4) + Wire.tag(6, 4),
    Wire.tag(5, 3) + Wire.int(1, 1),
  ])
  func refusesUnbalancedGroups(bytes: [UInt8]) throws {
    let error = try #require(throws: PinionError.self) { try model(bytes) }
    #expect(error.code == .invalidModel && error.message.contains("is no ONNX model or value: at byte ") && error.message.contains("ONNX has no groups"))
  }

  /// 'k' is the start of group 13, 'l' its end.
  @Test(arguments: [("lorem ipsum", 1), ("hello world", 3), ("kk", 2)]) func textIsNoModel(_ text: String, _ place: Int) throws {
    let error = try #require(throws: PinionError.self) { try model(Array(text.utf8)) }
    #expect(error.message.contains("at byte \(place) it"), "\(error)")
  }

  @Test func groupsNestToTheLimit() throws {
    func groups(_ count: Int) -> [UInt8] {
      Array(repeatElement(Wire.tag(9, 3), count: count).joined()) + Array(repeatElement(Wire.tag(9, 4), count: count).joined())
    }
    #expect(try model(groups(100) + Wire.int(1, 3)).irVersion == 3)
    #expect(throws: PinionError.self) { try model(groups(101)) }
    #expect(throws: PinionError.self) { try model(Array(repeating: Wire.tag(9, 3)[0], count: 1_000_000)) }
  }

  @Test func messagesNestToTheLimit() throws {
    // A sequence type holds a type: two messages a level, below the model, graph and value.
    func nested(_ levels: Int) -> [UInt8] {
      var type: [UInt8] = []
      for _ in 0..<levels { type = Wire.bytes(4, Wire.bytes(1, type)) }
      return Wire.bytes(7, Wire.bytes(11, Wire.bytes(2, type)))
    }
    #expect(try model(nested(48)).graph?.inputs.count == 1)
    #expect(throws: PinionError.self) { try model(nested(49)) }
    #expect(throws: PinionError.self) { try model(nested(2000)) }
  }

  @Test func structureLimitStopsAmplification() throws {
    let emptyNodes = Wire.bytes(7, Array(repeatElement(Wire.bytes(1, []), count: 10_000).joined()))
    #expect(try model(emptyNodes).graph?.nodes.count == 10_000)
    var limits = WireLimits()
    limits.structureBytes = 100_000
    #expect(throws: PinionError.self) { _ = try ONNXModel(parsing: file(emptyNodes), limits: limits) }
  }

  @Test func namesHaveToBeUTF8() throws {
    #expect(throws: PinionError.self) { try model(Wire.bytes(7, Wire.bytes(2, [0xff]))) }
    #expect(try model(Wire.bytes(6, [0x61, 0xff])).docString == "a\u{fffd}")
    #expect(try model(Wire.bytes(7, Wire.text(2, "größe"))).graph?.name == "größe")
  }
}
