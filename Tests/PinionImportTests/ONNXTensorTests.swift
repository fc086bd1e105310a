import Foundation
import PinionBase
import PinionTensor
import Testing

@testable import PinionImport

@Suite struct ONNXTensorTests {
  func tensor(_ type: ElementType, _ dims: [Int64], _ data: [UInt8]) throws -> ONNXTensor {
    try ONNXTensor(parsing: file(Wire.bytes(1, Wire.packed(dims)) + Wire.int(2, Int64(type.rawValue)) + data))
  }

  func decoded(_ tensor: ONNXTensor) throws -> [UInt8] {
    // A byte more than needed shows a write behind the end.
    let count = try tensor.byteCount()
    var bytes = [UInt8](repeating: 0xa5, count: count + 1)
    try bytes.withUnsafeMutableBytes { try tensor.decode(into: $0) }
    #expect(bytes.last == 0xa5)
    return bytes.dropLast()
  }

  static let int32DataTypes: [(ElementType, [Int64], [UInt8])] = [
    (.int32, [1, -1, Int64(Int32.min)], [1, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 128]),
    (.int16, [1, -2], [1, 0, 0xfe, 0xff]),
    (.uint16, [65535, 258], [255, 255, 2, 1]),
    (.int8, [-1, 127], [255, 127]),
    (.uint8, [255, 0], [255, 0]),
    (.bool, [0, 1, 2, -1], [0, 1, 1, 1]),
    (.float16, [0x3c00, 0xc000], [0x00, 0x3c, 0x00, 0xc0]),
    (.bfloat16, [0x3f80, 0xffff], [0x80, 0x3f, 0xff, 0xff]),
    (.float8e4m3fn, [0x38, 0xff], [0x38, 0xff]),
    (.float8e4m3fnuz, [0x40, 0x80], [0x40, 0x80]),
    (.float8e5m2, [0x3c, 0xfc], [0x3c, 0xfc]),
    (.float8e5m2fnuz, [0x40, 0x80], [0x40, 0x80]),
    (.float8e8m0, [0x7f, 0xff], [0x7f, 0xff]),
  ]

  @Test(arguments: int32DataTypes) func decodesInt32Data(type: ElementType, values: [Int64], raw: [UInt8]) throws {
    let packed = try tensor(type, [Int64(values.count)], Wire.bytes(5, Wire.packed(values)))
    #expect(try decoded(packed) == raw)
    #expect(try packed.mappedBytes(externalData: nil) == nil)
    #expect(try decoded(tensor(type, [Int64(values.count)], values.flatMap { Wire.int(5, $0) })) == raw)
  }

  /// `int32_data` holds one byte of the packed layout an entry: the first element in the lowest bits.
  @Test(arguments: [
    (.int4, 3, [0x2f, 0x07], [0x2f, 0x07]), (.uint4, 4, [0x21, 0x43], [0x21, 0x43]), (.float4e2m1, 1, [0x06], [0x06]),
    (.int2, 5, [0xe4, 0x03], [0xe4, 0x03]), (.uint2, 4, [0x1b], [0x1b]),
  ] as [(ElementType, Int64, [Int64], [UInt8])])
  func decodesPackedInt32Data(type: ElementType, count: Int64, values: [Int64], raw: [UInt8]) throws {
    #expect(try decoded(tensor(type, [count], Wire.bytes(5, Wire.packed(values)))) == raw)
    #expect(try decoded(tensor(type, [count], Wire.bytes(9, raw))) == raw)
    #expect(throws: PinionError.self) { try decoded(tensor(type, [count + 8], Wire.bytes(5, Wire.packed(values)))) }
  }

  /// ONNX's 27 and 28 are known by name only.
  @Test func typesThatPinionHasNotAreNamed() throws {
    for (raw, name) in [(27, "float6e2m3"), (28, "float6e3m2"), (99, "number 99")] as [(Int64, String)] {
      let tensor = try ONNXTensor(parsing: file(Wire.int(2, raw) + Wire.int(1, 2)))
      let error = #expect(throws: PinionError.self) { try tensor.byteCount() }
      #expect("\(error as Any)".contains(name))
    }
  }

  @Test func decodesOtherTypedFields() throws {
    let floats = Wire.littleEndian([Float(1.5).bitPattern, Float(-0.0).bitPattern, 0x7fc0_0001, 0xff80_0000])
    #expect(try decoded(tensor(.float32, [2, 2], Wire.bytes(4, floats))) == floats)
    #expect(try decoded(tensor(.complex64, [2], Wire.bytes(4, floats))) == floats)
    let doubles = Wire.doubles(1.5, -2.25)
    #expect(try decoded(tensor(.float64, [2], Wire.bytes(10, doubles))) == doubles)
    #expect(try decoded(tensor(.complex128, [1], Wire.bytes(10, doubles))) == doubles)
    #expect(try decoded(tensor(.int64, [2], Wire.bytes(7, Wire.packed([-1, 1 << 40])))) == Wire.littleEndian([-1, Int64(1) << 40]))
    #expect(try decoded(tensor(.uint64, [2], Wire.bytes(11, Wire.packed([-1, 3])))) == Wire.littleEndian([UInt64.max, 3]))
    #expect(try decoded(tensor(.uint32, [2], Wire.bytes(11, Wire.packed([1 << 31, 3])))) == Wire.littleEndian([UInt32(1) << 31, 3]))
  }

  @Test func typedFieldsMayComeInRunsAndSingly() throws {
    let mixed = Wire.bytes(4, Wire.floats(1)) + Wire.float(4, 2) + Wire.bytes(4, Wire.floats(1, 1))
    #expect(try decoded(tensor(.float32, [4], mixed)) == Wire.floats(1, 2, 1, 1))
    let doubles = Wire.tag(10, 1) + Wire.doubles(1.5) + Wire.bytes(10, Wire.doubles(2.5))
    #expect(try decoded(tensor(.float64, [2], doubles)) == Wire.doubles(1.5, 2.5))
    let ints = Wire.int(7, 1) + Wire.bytes(7, Wire.packed([2, 3])) + Wire.int(7, 4)
    #expect(try decoded(tensor(.int64, [2, 2], ints)) == Wire.littleEndian([1, 2, 3, 4] as [Int64]))
    // Two messages of one attribute merge: their lists follow each other.
    let parts = try attribute(Wire.bytes(5, Wire.int(1, 2) + Wire.int(2, 7) + Wire.int(7, 1)) + Wire.bytes(5, Wire.int(7, 2)))
    #expect(try decoded(#require(parts.t)) == Wire.littleEndian([1, 2] as [Int64]))
  }

  @Test(arguments: ElementType.allCases.filter { $0 != .string }) func takesRawDataOfEveryType(type: ElementType) throws {
    let byteCount = (6 * type.bitWidth + 7) / 8
    let raw = (0..<byteCount).map { UInt8($0 % 2) }
    let whole = try tensor(type, [2, 3], Wire.bytes(9, raw))
    #expect(try whole.byteCount() == byteCount)
    #expect(try decoded(whole) == raw)
    #expect(try whole.mappedBytes(externalData: nil).map(array) == raw)
    for wrong in [Array(raw.dropLast()), raw + [0]] {
      let broken = try tensor(type, [2, 3], Wire.bytes(9, wrong))
      #expect(throws: PinionError.self) { try decoded(broken) }
      #expect(throws: PinionError.self) { try broken.mappedBytes(externalData: nil) }
    }
  }

  @Test func booleansBecomeZeroOrOne() throws {
    let tensor = try tensor(.bool, [3], Wire.bytes(9, [0, 2, 255]))
    #expect(try tensor.mappedBytes(externalData: nil) == nil)
    #expect(try decoded(tensor) == [0, 1, 1])
  }

  @Test(arguments: ElementType.allCases.filter { $0 != .string }) func countsHaveToFitTheShape(type: ElementType) throws {
    let fields: [(Int, [UInt8])] = [
      (4, Wire.littleEndian([UInt32](repeating: 1, count: 200))), (10, Wire.littleEndian([UInt64](repeating: 1, count: 200))),
      (5, [UInt8](repeating: 1, count: 200)), (7, [UInt8](repeating: 1, count: 200)), (11, [UInt8](repeating: 1, count: 200)),
    ]
    for (field, data) in fields {
      #expect(throws: PinionError.self) { try decoded(tensor(type, [3], Wire.bytes(field, data))) }
      #expect(throws: PinionError.self) { try decoded(tensor(type, [3000], Wire.bytes(field, data))) }
    }
    #expect(throws: PinionError.self) { try decoded(tensor(type, [3], [])) }
    #expect(try decoded(tensor(type, [3, 0], [])) == [])
  }

  @Test func refusesImpossibleShapes() throws {
    #expect(throws: PinionError.self) { try tensor(.float32, [-1], []).byteCount() }
    #expect(throws: PinionError.self) { try tensor(.float32, [1 << 62, 4], []).byteCount() }
    #expect(throws: PinionError.self) { try tensor(.float64, [1 << 60], []).byteCount() }
    #expect(throws: PinionError.self) { try ONNXTensor(parsing: file(Wire.int(2, 99))).byteCount() }
    #expect(throws: PinionError.self) { try decoded(tensor(.uint8, [1], Wire.bytes(3, []) + Wire.bytes(9, [1]))) }
    #expect(throws: PinionError.self) {
      var short: [UInt8] = [0]
      try short.withUnsafeMutableBytes { try tensor(.uint8, [2], Wire.bytes(9, [1, 2])).decode(into: $0) }
    }
  }

  @Test func readsStrings() throws {
    let strings = try tensor(.string, [2], Wire.text(6, "a") + Wire.bytes(6, [])).strings()
    #expect(strings.map(array) == [[0x61], []])
    #expect(throws: PinionError.self) { try tensor(.string, [2], Wire.text(6, "a")).strings() }
    #expect(throws: PinionError.self) { try tensor(.string, [1], Wire.text(6, "a") + Wire.text(6, "b")).strings() }
    #expect(throws: PinionError.self) { try tensor(.uint8, [1], Wire.text(6, "a")).strings() }
    #expect(throws: PinionError.self) { try decoded(tensor(.string, [1], Wire.text(6, "a"))) }
  }

  @Test func scalarsHaveOneElement() throws {
    #expect(try decoded(ONNXTensor(parsing: file(Wire.int(2, 6) + Wire.int(5, 7)))) == [7, 0, 0, 0])
  }

  @Test func readsContainers() throws {
    let element = Wire.int(1, 1) + Wire.int(2, 2) + Wire.bytes(9, [7])
    let sequence = Wire.text(1, "s") + Wire.int(2, 1) + Wire.bytes(3, element) + Wire.bytes(3, element)
    let read = try ONNXSequence(parsing: file(sequence))
    #expect(read.name == "s" && read.elementKind == .tensor && read.tensors.count == 2)
    #expect(try decoded(read.tensors[1]) == [7])

    let optional = try ONNXOptional(parsing: file(Wire.text(1, "o") + Wire.int(2, 3) + Wire.bytes(5, sequence)))
    #expect(optional.elementKind == .sequence && optional.sequence?.tensors.count == 2 && optional.tensor == nil)

    let map = try ONNXMap(parsing: file(Wire.int(2, 8) + Wire.text(4, "k") + Wire.int(3, 5) + Wire.bytes(5, sequence)))
    #expect(map.keyType == 8 && map.stringKeys.map(\.text) == ["k"] && map.keys == [5] && map.values?.name == "s")
  }
}

@Suite struct ExternalTensorTests {
  func entry(_ key: String, _ value: String) -> [UInt8] { Wire.bytes(13, Wire.text(1, key) + Wire.text(2, value)) }

  func tensor(_ entries: [UInt8]) throws -> ONNXTensor {
    try ONNXTensor(parsing: file(Wire.int(1, 3) + Wire.int(2, 2) + Wire.int(14, 1) + entries))
  }

  @Test func namesARange() throws {
    let range = try tensor(entry("location", "w") + entry("offset", "4096") + entry("length", "3") + entry("checksum", "x")).externalRange()
    #expect(range.location == "w" && range.offset == 4096 && range.count == 3)
    let open = try tensor(entry("location", "w")).externalRange()
    #expect(open.offset == 0 && open.count == nil)
  }

  @Test func refusesRangesThatAreNone() throws {
    #expect(throws: PinionError.self) { try tensor([]).externalRange() }
    for number in ["-1", "", "1e3", "0x10", "99999999999999999999", "1 "] {
      #expect(throws: PinionError.self) { try tensor(entry("location", "w") + entry("offset", number)).externalRange() }
      #expect(throws: PinionError.self) { try tensor(entry("location", "w") + entry("length", number)).externalRange() }
    }
  }

  @Test func elementsComeFromTheFile() throws {
    let path = FileManager.default.temporaryDirectory.path + "/pinion-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(FileManager.default.createFile(atPath: path + "/w", contents: Data([9, 1, 2, 3, 4])))
    let folder = try ExternalDataFolder(path: path)
    for entries in [entry("location", "w") + entry("offset", "1"), entry("location", "w") + entry("offset", "1") + entry("length", "3")] {
      let tensor = try tensor(entries)
      #expect(try tensor.mappedBytes(externalData: folder).map(array) == [1, 2, 3])
      var decoded: [UInt8] = [0, 0, 0]
      try decoded.withUnsafeMutableBytes { try tensor.decode(into: $0, externalData: folder) }
      #expect(decoded == [1, 2, 3])
    }
    #expect(throws: PinionError.self) { try tensor(entry("location", "w") + entry("offset", "3")).mappedBytes(externalData: folder) }
  }

  @Test func needsAFolderAndTheRightLength() throws {
    let folder = try ExternalDataFolder(path: ".")
    #expect(throws: PinionError.self) { try tensor(entry("location", "w")).mappedBytes(externalData: nil) }
    #expect(throws: PinionError.self) { try tensor(entry("location", "no such file")).mappedBytes(externalData: folder) }
    #expect(throws: PinionError.self) { try tensor(entry("location", "w") + entry("length", "4")).mappedBytes(externalData: folder) }
    #expect(throws: PinionError.self) { try tensor(entry("location", "../w")).mappedBytes(externalData: folder) }
  }
}
