extension String {
  /// The text of UTF-8 bytes; nil where they are not valid.
  ///
  /// `String(validating:as:)` asks the runtime for types at each call, which takes longer than copying a name.
  public init?(utf8 bytes: UnsafeRawBufferPointer) {
    guard String.isASCII(bytes) else {
      self.init(validating: bytes, as: UTF8.self)
      return
    }
    self.init(unsafeUninitializedCapacity: bytes.count) { memory in
      UnsafeMutableRawBufferPointer(memory).copyMemory(from: bytes)
      return bytes.count
    }
  }

  private static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var offset = 0, bits: UInt64 = 0
    while offset &+ 8 <= bytes.count {
      bits |= bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      offset &+= 8
    }
    while offset < bytes.count {
      bits |= UInt64(bytes[offset])
      offset &+= 1
    }
    return bits & 0x8080_8080_8080_8080 == 0
  }
}
