import CZlib
import PinionBase
import PinionTensor

/// Writes arrays to a .npz file, uncompressed and with zip64 fields throughout, as NumPy does.
package struct NpzWriter {
  private let file: FileWriter
  private var directory: [UInt8] = []
  private var count = 0

  package init(path: String) throws(PinionError) { file = try FileWriter(path: path) }

  package mutating func add(_ name: String, _ tensor: Tensor) throws(PinionError) {
    let contents = try NpyContents(tensor)
    let entry = Array((name + ".npy").utf8)
    guard let nameCount = UInt16(exactly: entry.count) else {
      throw .invalidArgument("the name '\(name)' is too long for a .npz file")
    }
    var checksum: UInt = 0
    contents.forEachPart { checksum = crc32_z(checksum, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), $0.count) }
    let size = UInt64(contents.byteCount)
    let offset = UInt64(file.offset)

    // Version 4.5, names in UTF-8, stored, 1980-01-01; the sizes stand in the extra field.
    var common: [UInt8] = []
    for field: UInt16 in [45, 0x800, 0, 0, 0x21] { common.append(littleEndian: field) }
    common.append(littleEndian: UInt32(truncatingIfNeeded: checksum))
    common.append(littleEndian: UInt64.max)
    common.append(littleEndian: nameCount)

    var header: [UInt8] = []
    header.append(littleEndian: UInt32(0x0403_4b50))
    header += common
    header.append(littleEndian: UInt16(20))
    header += entry
    header += NpzWriter.extra([size, size])
    try file.write(header)
    try contents.forEachPart { (part) throws(PinionError) in try file.write(part) }

    directory.append(littleEndian: UInt32(0x0201_4b50))
    directory.append(littleEndian: UInt16(45))
    directory += common
    directory.append(littleEndian: UInt16(28))
    // Comment, disk and attributes are zero.
    directory += [UInt8](repeating: 0, count: 10)
    directory.append(littleEndian: UInt32.max)
    directory += entry
    directory += NpzWriter.extra([size, size, offset])
    count += 1
  }

  private static func extra(_ numbers: [UInt64]) -> [UInt8] {
    var field: [UInt8] = []
    field.append(littleEndian: UInt16(1))
    field.append(littleEndian: UInt16(8 * numbers.count))
    for number in numbers { field.append(littleEndian: number) }
    return field
  }

  /// Writes the directory and closes the file.
  package mutating func close() throws(PinionError) {
    let start = UInt64(file.offset)
    try file.write(directory)
    var end: [UInt8] = []
    let record = UInt64(file.offset)
    end.append(littleEndian: UInt32(0x0606_4b50))
    end.append(littleEndian: UInt64(44))
    for version: UInt16 in [45, 45] { end.append(littleEndian: version) }
    for disk: UInt32 in [0, 0] { end.append(littleEndian: disk) }
    for number in [UInt64(count), UInt64(count), UInt64(directory.count), start] { end.append(littleEndian: number) }
    end.append(littleEndian: UInt32(0x0706_4b50))
    end.append(littleEndian: UInt32(0))
    end.append(littleEndian: record)
    end.append(littleEndian: UInt32(1))
    end.append(littleEndian: UInt32(0x0605_4b50))
    for disk: UInt16 in [0, 0] { end.append(littleEndian: disk) }
    for number in [UInt16.max, .max] { end.append(littleEndian: number) }
    for number in [UInt32.max, .max] { end.append(littleEndian: number) }
    end.append(littleEndian: UInt16(0))
    try file.write(end)
    try file.close()
  }
}
