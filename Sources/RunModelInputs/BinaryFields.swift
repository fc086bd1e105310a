import PinionBase

/// Little-endian fields of a file that may be cut short or damaged.
struct BinaryFields {
  let bytes: UnsafeRawBufferPointer
  /// The file's name, for messages.
  let name: String

  /// The integer at `offset`. Throws `.invalidValue` where it is not all inside.
  func integer<T: FixedWidthInteger>(_: T.Type, at offset: Int) throws(PinionError) -> T {
    let field = try slice(offset: offset, count: MemoryLayout<T>.size)
    return T(littleEndian: field.loadUnaligned(as: T.self))
  }

  /// `count` bytes from `offset` on. Throws `.invalidValue` where they are not all inside.
  func slice(offset: Int, count: Int) throws(PinionError) -> UnsafeRawBufferPointer {
    guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else {
      throw .invalidValue("'\(name)' is cut short: it has \(bytes.count) bytes and more are announced")
    }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }
}

extension [UInt8] {
  /// Appends an integer, least significant byte first.
  mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
