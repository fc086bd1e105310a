import PinionBase

/// The members of a zip archive in a mapping, as its central directory lists them; members lie uncompressed.
struct ZipArchive {
  /// Members that one archive may have.
  static let memberLimit = 1 << 20

  let file: FileMapping
  /// Names in the directory's order.
  private(set) var names: [String] = []
  private var entries: [String: Entry] = [:]

  private struct Entry {
    let method: UInt16
    let flags: UInt16
    let headerOffset: Int
    let storedSize: Int
    let size: Int
  }

  /// Whether the bytes begin as a zip archive with members does.
  static func begins(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count >= 4 && bytes[0] == 0x50 && bytes[1] == 0x4b && bytes[2] == 3 && bytes[3] == 4
  }

  /// What the records of a member are counted as, its name aside.
  private static let memberBytes = 256

  /// - Parameter control: the limits of the load.
  init(_ file: FileMapping, _ control: RunControl = RunControl()) throws(PinionError) {
    self.file = file
    let (count, offset, size) = try ZipArchive.directory(of: file)
    guard count <= ZipArchive.memberLimit else {
      throw .invalidModel("\(file.name): the archive has \(count) members, at most \(ZipArchive.memberLimit) are read")
    }
    var reader = ZipFields(try file.all.slice(offset: offset, count: size))
    for _ in 0..<count {
      try control.check()
      try control.takeBytes(ZipArchive.memberBytes)
      try addEntry(&reader, control)
    }
  }

  private mutating func addEntry(_ reader: inout ZipFields, _ control: RunControl) throws(PinionError) {
    guard try reader.u32() == 0x0201_4b50 else { throw .invalidModel("\(file.name): the archive's directory is damaged") }
    try reader.skip(4)
    let flags = try reader.u16(), method = try reader.u16()
    try reader.skip(8)
    var stored = UInt64(try reader.u32()), size = UInt64(try reader.u32())
    let nameLength = Int(try reader.u16()), extraLength = Int(try reader.u16()), commentLength = Int(try reader.u16())
    try reader.skip(8)
    var header = UInt64(try reader.u32())
    try control.takeBytes(2 * nameLength)
    guard let name = try reader.take(nameLength).text else { throw .invalidModel("\(file.name): a member's name is not UTF-8") }
    var extra = ZipFields(try reader.take(extraLength))
    while extra.left >= 4 {
      let id = try extra.u16(), length = Int(try extra.u16())
      var field = ZipFields(try extra.take(length))
      guard id == 1 else { continue }
      if size == 0xffff_ffff { size = try field.u64() }
      if stored == 0xffff_ffff { stored = try field.u64() }
      if header == 0xffff_ffff { header = try field.u64() }
    }
    try reader.skip(commentLength)
    guard entries[name] == nil else { throw .invalidModel("\(file.name): two members are named '\(name)'") }
    entries[name] = Entry(
      method: method, flags: flags, headerOffset: try header.converted(), storedSize: try stored.converted(), size: try size.converted())
    names.append(name)
  }

  func has(_ name: String) -> Bool { entries[name] != nil }

  /// The bytes of a member in place, nil where there is no such member.
  func member(_ name: String) throws(PinionError) -> MappedBytes? {
    guard let entry = entries[name] else { return nil }
    guard entry.flags & 1 == 0 else { throw .unsupported("member '\(name)' is encrypted") }
    guard entry.method == 0, entry.storedSize == entry.size else {
      throw .unsupported("member '\(name)' is compressed; members have to be stored, as torch.export.save stores them")
    }
    var header = ZipFields(try file.all.slice(offset: entry.headerOffset, count: 30))
    guard try header.u32() == 0x0403_4b50 else { throw .invalidModel("member '\(name)' has no local header where the directory says") }
    try header.skip(22)
    let nameLength = Int(try header.u16()), extraLength = Int(try header.u16())
    let start = try entry.headerOffset.adding(30 + nameLength + extraLength)
    guard start <= file.bytes.count, entry.size <= file.bytes.count - start else {
      throw .invalidModel("member '\(name)' has \(entry.size) bytes from \(start) on, the file \(file.bytes.count)")
    }
    return try file.all.slice(offset: start, count: entry.size)
  }

  /// Finds the directory through the record at the archive's end.
  private static func directory(of file: FileMapping) throws(PinionError) -> (count: Int, offset: Int, size: Int) {
    let bytes = file.bytes
    var position = bytes.count - 22
    let last = max(0, position - 0xffff)
    while position >= last {
      if bytes[position] == 0x50, bytes[position + 1] == 0x4b, bytes[position + 2] == 5, bytes[position + 3] == 6 { break }
      position -= 1
    }
    guard position >= last, position >= 0 else { throw .invalidModel("\(file.name) begins as a zip archive and has no directory; is it cut short?") }
    var end = ZipFields(try file.all.slice(offset: position, count: 22))
    try end.skip(10)
    let count = Int(try end.u16()), size = Int(try end.u32()), offset = Int(try end.u32())
    guard count == 0xffff || size == 0xffff_ffff || offset == 0xffff_ffff, position >= 20 else { return (count, offset, size) }
    var locator = ZipFields(try file.all.slice(offset: position - 20, count: 20))
    guard try locator.u32() == 0x0706_4b50 else { return (count, offset, size) }
    try locator.skip(4)
    var end64 = ZipFields(try file.all.slice(offset: try locator.u64().converted(), count: 56))
    guard try end64.u32() == 0x0606_4b50 else { throw .invalidModel("\(file.name): the zip64 end record is damaged") }
    try end64.skip(28)
    let count64 = try end64.u64(), size64 = try end64.u64(), offset64 = try end64.u64()
    return (try count64.converted(), try offset64.converted(), try size64.converted())
  }
}

/// Reads little-endian numbers one after another.
private struct ZipFields {
  private let bytes: MappedBytes
  private var position = 0

  init(_ bytes: MappedBytes) { self.bytes = bytes }

  var left: Int { bytes.count - position }

  mutating func take(_ count: Int) throws(PinionError) -> MappedBytes {
    guard count <= left else { throw .invalidModel("\(bytes.owner.name): the archive's directory is cut short") }
    defer { position += count }
    return try bytes.slice(offset: position, count: count)
  }

  mutating func skip(_ count: Int) throws(PinionError) { _ = try take(count) }
  mutating func u16() throws(PinionError) -> UInt16 { UInt16(truncatingIfNeeded: try number(2)) }
  mutating func u32() throws(PinionError) -> UInt32 { UInt32(truncatingIfNeeded: try number(4)) }
  mutating func u64() throws(PinionError) -> UInt64 { try number(8) }

  private mutating func number(_ count: Int) throws(PinionError) -> UInt64 {
    try take(count).bytes.enumerated().reduce(0) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
  }
}
