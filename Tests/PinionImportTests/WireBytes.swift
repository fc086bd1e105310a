import PinionBase
@testable import PinionImport

/// Builds protobuf messages byte by byte as the encoding specification lays them down.
enum Wire {
  static func varint(_ value: UInt64) -> [UInt8] {
    var rest = value
    var bytes: [UInt8] = []
    while rest > 0x7f {
      bytes.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  static func tag(_ number: Int, _ type: Int) -> [UInt8] { varint(UInt64(number << 3 | type)) }

  static func int(_ number: Int, _ value: Int64) -> [UInt8] { tag(number, 0) + varint(UInt64(bitPattern: value)) }

  static func bytes(_ number: Int, _ value: [UInt8]) -> [UInt8] { tag(number, 2) + varint(UInt64(value.count)) + value }

  static func text(_ number: Int, _ value: String) -> [UInt8] { bytes(number, Array(value.utf8)) }

  static func float(_ number: Int, _ value: Float) -> [UInt8] { tag(number, 5) + littleEndian([value.bitPattern]) }

  static func packed(_ values: [Int64]) -> [UInt8] { values.flatMap { varint(UInt64(bitPattern: $0)) } }

  static func littleEndian<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
    values.flatMap { value in (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (T($0) * 8)) } }
  }

  static func floats(_ values: Float...) -> [UInt8] { littleEndian(values.map(\.bitPattern)) }

  static func doubles(_ values: Double...) -> [UInt8] { littleEndian(values.map(\.bitPattern)) }
}

func file(_ bytes: [UInt8]) throws -> FileMapping { try bytes.withUnsafeBytes { try FileMapping(copying: $0) } }

func model(_ bytes: [UInt8]) throws -> ONNXModel { try ONNXModel(parsing: file(bytes)) }

/// A model with one node that has the given attribute fields.
func attribute(_ fields: [UInt8]) throws -> ONNXAttribute {
  let read = try model(Wire.bytes(7, Wire.bytes(1, Wire.bytes(5, fields))))
  guard let attribute = read.graph?.nodes.first?.attributes.first else { throw PinionError.internal("no attribute") }
  return attribute
}

func array(_ bytes: MappedBytes) -> [UInt8] { withExtendedLifetime(bytes) { Array(bytes.bytes) } }
