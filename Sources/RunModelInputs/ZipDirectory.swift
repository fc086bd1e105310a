import PinionBase

/// The files that a zip archive lists, with or without zip64 fields.
struct ZipDirectory {
  struct Entry: Sendable {
    var name: String
    var method: UInt16
    var isEncrypted: Bool
    var checksum: UInt32
    var storedCount: Int
    var count: Int
    var headerOffset: Int
  }

  private(set) var entries: [Entry] = []
  private let fields: BinaryFields
  private let name: String

  init(_ bytes: UnsafeRawBufferPointer, name: String) throws(PinionError) {
    fields = BinaryFields(bytes: bytes, name: name)
    self.name = name
    guard let end = endRecord() else { throw .invalidValue("'\(name)' is no .npz file, or is cut short") }
    var count = Int(try fields.integer(UInt16.self, at: end + 10))
    var offset = Int(try fields.integer(UInt32.self, at: end + 16))
    if end >= 20, try fields.integer(UInt32.self, at: end - 20) == 0x0706_4b50 {
      let record: Int = try fields.integer(UInt64.self, at: end - 12).converted()
      guard try fields.integer(UInt32.self, at: record) == 0x0606_4b50 else { throw damaged }
      count = try fields.integer(UInt64.self, at: try record.adding(32)).converted()
      offset = try fields.integer(UInt64.self, at: try record.adding(48)).converted()
    }
    while entries.count < count { offset = try readEntry(at: offset) }
  }

  private var damaged: PinionError { .invalidValue("'\(name)' is damaged: its zip directory makes no sense") }

  /// Where the end-of-directory record lies, which a comment of up to 65535 bytes may follow.
  private func endRecord() -> Int? {
    let last = fields.bytes.count - 22
    guard last >= 0 else { return nil }
    return stride(from: last, through: max(0, last - 0xffff), by: -1).first {
      fields.bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self).littleEndian == 0x0605_4b50
    }
  }

  /// Reads the entry at `offset` and says where the next one is.
  private mutating func readEntry(at offset: Int) throws(PinionError) -> Int {
    let header = BinaryFields(bytes: try fields.slice(offset: offset, count: 46), name: name)
    guard try header.integer(UInt32.self, at: 0) == 0x0201_4b50 else { throw damaged }
    let nameCount = Int(try header.integer(UInt16.self, at: 28))
    let extraCount = Int(try header.integer(UInt16.self, at: 30))
    let commentCount = Int(try header.integer(UInt16.self, at: 32))
    let text = try fields.slice(offset: offset + 46, count: nameCount)
    var entry = Entry(
      name: String(decoding: text, as: UTF8.self), method: try header.integer(UInt16.self, at: 10),
      isEncrypted: try header.integer(UInt16.self, at: 8) & 1 != 0, checksum: try header.integer(UInt32.self, at: 16),
      storedCount: Int(try header.integer(UInt32.self, at: 20)), count: Int(try header.integer(UInt32.self, at: 24)),
      headerOffset: Int(try header.integer(UInt32.self, at: 42)))
    let extra = try fields.slice(offset: offset + 46 + nameCount, count: extraCount)
    try read64(BinaryFields(bytes: extra, name: name), &entry)
    entries.append(entry)
    return offset + 46 + nameCount + extraCount + commentCount
  }

  /// Takes from the extra fields the numbers that need 64 bits; they stand there in this order.
  private func read64(_ extra: BinaryFields, _ entry: inout Entry) throws(PinionError) {
    var offset = 0
    while offset + 4 <= extra.bytes.count {
      let id = try extra.integer(UInt16.self, at: offset)
      let count = Int(try extra.integer(UInt16.self, at: offset + 2))
      if id == 1 {
        var place = offset + 4
        for path in [\Entry.count, \Entry.storedCount, \Entry.headerOffset] where entry[keyPath: path] == 0xffff_ffff {
          entry[keyPath: path] = try extra.integer(UInt64.self, at: place).converted()
          place += 8
        }
      }
      offset += 4 + count
    }
  }

  /// The entry's bytes as they are stored.
  func stored(_ entry: Entry) throws(PinionError) -> UnsafeRawBufferPointer {
    guard try fields.integer(UInt32.self, at: entry.headerOffset) == 0x0403_4b50 else { throw damaged }
    let nameCount = Int(try fields.integer(UInt16.self, at: try entry.headerOffset.adding(26)))
    let extraCount = Int(try fields.integer(UInt16.self, at: try entry.headerOffset.adding(28)))
    return try fields.slice(offset: entry.headerOffset + 30 + nameCount + extraCount, count: entry.storedCount)
  }
}
