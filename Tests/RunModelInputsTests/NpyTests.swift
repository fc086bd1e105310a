import Glibc
import PinionBase
import PinionTensor
import RunModelInputs
import Testing

/// A .npy file of version 1 with the given header text, as NumPy's format description has it.
func npy(_ header: String, _ body: [UInt8], version: UInt8 = 1, length: Int? = nil) -> [UInt8] {
  let text = Array(header.utf8) + [10]
  let count = length ?? text.count
  let field = (0..<(version == 1 ? 2 : 4)).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
  return [0x93] + Array("NUMPY".utf8) + [version, 0] + field + text + body
}

func header(_ descr: String, _ shape: String, fortran: Bool = false) -> String {
  "{'descr': '\(descr)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }"
}

func read(_ bytes: [UInt8], expected: ElementType? = nil) throws -> Tensor {
  try bytes.withUnsafeBytes { try Tensor(npy: $0, name: "test.npy", expected: expected) }
}

func code(_ body: () throws -> Void) -> ErrorCode? {
  do { try body() } catch { return (error as? PinionError)?.code }
  return nil
}

@Suite struct NpyTests {
  private let sixBytes: [UInt8] = [1, 2, 3, 4, 5, 6]

  @Test(arguments: [UInt8(1), 2, 3]) func readsAllVersions(_ version: UInt8) throws {
    let tensor = try read(npy(header("|u1", "(2, 3)"), sixBytes, version: version))
    #expect(tensor.type.description == "uint8[2,3]")
    #expect(try tensor.numbers() == [1, 2, 3, 4, 5, 6])
  }

  @Test func readsScalarsAndEmptyArrays() throws {
    #expect(try read(npy(header("<i2", "()"), [1, 2])).type.description == "int16[]")
    #expect(try read(npy(header("<f4", "(0, 5)"), [])).type.description == "float32[0,5]")
    #expect(try read(npy(header("<f4", "(2,)"), [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0])).numbers() == [1, -2])
  }

  @Test func turnsFortranOrderAround() throws {
    // Columns first: 1 2 | 3 4 | 5 6 is [[1, 3, 5], [2, 4, 6]].
    let tensor = try read(npy(header("|u1", "(2, 3)", fortran: true), sixBytes))
    #expect(try tensor.numbers() == [1, 3, 5, 2, 4, 6])
  }

  @Test func turnsBigEndianAround() throws {
    #expect(try read(npy(header(">i4", "(1,)"), [0, 0, 1, 2])).numbers() == [258])
    #expect(try read(npy(header(">c8", "(1,)"), [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0])).numbers() == [1, -2])
  }

  @Test func readsStrings() throws {
    let body: [UInt8] = [0x61, 0, 0, 0, 0, 0, 0, 0, 0xe9, 0, 0, 0, 0x00, 0xf6, 1, 0]
    #expect(try read(npy(header("<U2", "(2,)"), body)).strings() == ["a", "é\u{1f600}"])
    #expect(try read(npy(header("|S3", "(2,)"), Array("ab\0c\0\0".utf8))).strings() == ["ab", "c"])
    // What is no code point does not become a string that is not UTF-8.
    #expect(try read(npy(header("<U1", "(1,)"), [0, 0xd8, 0, 0])).strings() == ["\u{fffd}"])
  }

  @Test func takesOpaqueBytesForNarrowTypesAlone() throws {
    let bytes = npy(header("<V2", "(1,)"), [0x80, 0x3f])
    #expect(try read(bytes, expected: .bfloat16).numbers() == [1])
    #expect(code { _ = try read(bytes, expected: .int16) } == .unsupported)
    #expect(code { _ = try read(bytes) } == .unsupported)
    #expect(try read(npy(header("|V1", "(2,)"), [0x0f, 0xf7]), expected: .int4).numbers() == [-1, 7])
  }

  @Test func makesFlagsZeroOrOne() throws {
    #expect(try read(npy(header("|b1", "(3,)"), [0, 1, 7])).numbers() == [0, 1, 1])
  }

  @Test(arguments: ["|O", "<M8", "<m8[ns]", "<f16", "<V8", "x", "", "<f", "<U-1"]) func refusesTypesThatNoTensorHas(_ descr: String) {
    #expect(code { _ = try read(npy(header(descr, "(1,)"), [UInt8](repeating: 0, count: 64))) } == .unsupported)
  }

  @Test func refusesRecordTypes() {
    let text = "{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (1,), }"
    #expect(code { _ = try read(npy(text, [0, 0, 0, 0, 0, 0, 0, 0])) } == .unsupported)
  }

  @Test func refusesEveryTruncation() {
    let whole = npy(header("<f4", "(2, 3)"), [UInt8](repeating: 0, count: 24))
    for count in 0..<whole.count { #expect(code { _ = try read(Array(whole[..<count])) } == .invalidValue, "\(count) bytes") }
  }

  @Test func refusesHugeHeadersAndShapes() {
    #expect(code { _ = try read(npy(header("<f4", "(1,)"), [0, 0, 0, 0], version: 2, length: 0xffff_ffff)) } == .invalidValue)
    #expect(code { _ = try read(npy(header("<f4", "(4611686018427387904, 4)"), [])) } == .invalidShape)
    #expect(code { _ = try read(npy(header("<f4", "(99999999999999999999,)"), [])) } == .invalidValue)
    #expect(code { _ = try read(npy(header("<U9223372036854775807", "(3,)"), [])) } == .invalidValue)
    #expect(code { _ = try read(npy(header("<U0", "(1000000000000,)"), [])) } == .invalidValue)
    #expect(code { _ = try read(npy(header("<f4", "(1000000000000,)"), [])) } == .invalidValue)
  }

  @Test(arguments: [
    "", "{", "{}", "{'descr'", "{'descr': '<f4'", "[1]", "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': 3}", "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (1", "{'descr': '<f4', 'fortran_order': False}",
  ]) func refusesDamagedHeaders(_ text: String) {
    let result = code { _ = try read(npy(text, [0, 0, 0, 0])) }
    #expect(result == .invalidValue || result == .unsupported)
  }

  @Test func survivesEveryDamagedByte() {
    let whole = npy(header("<f4", "(2, 3)"), [UInt8](repeating: 0, count: 24))
    for index in whole.indices {
      for value in [UInt8(0), 0x27, 0x2d, 0x39, 0x7f, 0xff] {
        var bytes = whole
        bytes[index] = value
        _ = try? read(bytes)
      }
    }
  }
}
