import PinionBase

/// Builds zip archives byte by byte as the format's description (APPNOTE 4.3) lays them down, members stored.
struct ArchiveBytes {
  struct Member {
    var name: String
    var data: [UInt8]
    var method: UInt16 = 0
    /// What the directory says instead of the data's size.
    var claimedSize: UInt32?
  }

  var members: [Member] = []
  var alignment = 64

  mutating func add(_ name: String, _ text: String) { members.append(Member(name: name, data: Array(text.utf8))) }
  mutating func add(_ name: String, _ data: [UInt8]) { members.append(Member(name: name, data: data)) }

  private func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] { (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (T($0) * 8)) } }

  /// Sizes follow the data in descriptors, as torch writes them, and data begins at a multiple of the alignment.
  var bytes: [UInt8] {
    var file: [UInt8] = [], directory: [UInt8] = []
    for member in members {
      let name = Array(member.name.utf8), header = file.count
      let unpadded = header + 30 + name.count + 4
      let padding = (alignment - unpadded % alignment) % alignment
      file += little(UInt32(0x0403_4b50)) + little(UInt16(20)) + little(UInt16(0x0808)) + little(member.method)
      file += [UInt8](repeating: 0, count: 16) + little(UInt16(name.count)) + little(UInt16(4 + padding)) + name
      file += little(UInt16(0x4246)) + little(UInt16(padding)) + [UInt8](repeating: 0, count: padding) + member.data
      file += little(UInt32(0x0807_4b50)) + little(UInt32(0)) + little(UInt32(member.data.count)) + little(UInt32(member.data.count))
      let size = member.claimedSize ?? UInt32(member.data.count)
      directory += little(UInt32(0x0201_4b50)) + little(UInt16(20)) + little(UInt16(20)) + little(UInt16(0x0808)) + little(member.method)
      directory += [UInt8](repeating: 0, count: 8) + little(size) + little(size) + little(UInt16(name.count))
      directory += [UInt8](repeating: 0, count: 12) + little(UInt32(header)) + name
    }
    let count = UInt16(members.count)
    return file + directory + little(UInt32(0x0605_4b50)) + [0, 0, 0, 0] + little(count) + little(count) + little(UInt32(directory.count))
      + little(UInt32(file.count)) + [0, 0]
  }
}
