import CZlib
import PinionBase
import PinionTensor

/// The arrays of a .npz file, stored or deflated.
package struct NpzFile {
  private let file: FileMapping
  private let directory: ZipDirectory

  package init(_ file: FileMapping) throws(PinionError) {
    self.file = file
    directory = try ZipDirectory(file.bytes, name: file.name)
  }

  package init(path: String) throws(PinionError) { try self.init(try FileMapping(path: path)) }

  /// The arrays' names as `numpy.load` shows them.
  package var names: [String] { directory.entries.map { NpzFile.arrayName($0.name) } }

  private static func arrayName(_ name: String) -> String { name.hasSuffix(".npy") ? String(name.dropLast(4)) : name }

  /// - Parameter expected: as in `Tensor.init(npy:name:expected:)`.
  /// - Throws: `.notFound` where there is no such array, and what reading a .npy file throws.
  package func tensor(_ name: String, expected: ElementType?) throws(PinionError) -> Tensor {
    guard let entry = directory.entries.first(where: { NpzFile.arrayName($0.name) == name }) else {
      throw PinionError(.notFound, "'\(file.name)' has no array '\(name)'; it has " + names.map { "'\($0)'" }.joined(separator: ", "))
    }
    let place = "\(file.name):\(name)"
    guard !entry.isEncrypted else { throw .unsupported("'\(place)' is encrypted") }
    let stored = try directory.stored(entry)
    switch entry.method {
    case 0:
      try NpzFile.check(stored, entry.checksum, place)
      return try Tensor(npy: stored, name: place, expected: expected)
    case 8:
      // One byte of deflated data stands for at most 1032, so what announces more lies, before memory is asked for.
      guard entry.count / 1040 <= stored.count else { throw .invalidValue("'\(place)' is damaged: \(entry.count) bytes are announced") }
      let buffer = try Allocator.system.buffer(bytes: entry.count)
      let bytes = UnsafeMutableRawBufferPointer(start: buffer.pointer, count: entry.count)
      guard inflateAll(stored, into: bytes) else { throw .invalidValue("'\(place)' is damaged: it cannot be decompressed") }
      return try withExtendedLifetime(buffer) { () throws(PinionError) in
        try NpzFile.check(UnsafeRawBufferPointer(bytes), entry.checksum, place)
        return try Tensor(npy: UnsafeRawBufferPointer(bytes), name: place, expected: expected)
      }
    default: throw .unsupported("'\(place)' is compressed by method \(entry.method); expected stored or deflated")
    }
  }

  private static func check(_ bytes: UnsafeRawBufferPointer, _ checksum: UInt32, _ place: String) throws(PinionError) {
    guard crc32_z(0, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count) == UInt(checksum) else {
      throw .invalidValue("'\(place)' is damaged: its checksum is wrong")
    }
  }
}

/// Inflates a raw deflate stream; false unless it is whole and fills `target` exactly.
private func inflateAll(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Bool {
  var stream = z_stream()
  guard inflateInit2_(&stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return false }
  defer { inflateEnd(&stream) }
  let chunk = 1 << 30
  var read = 0
  var written = 0
  while true {
    let input = min(chunk, source.count - read)
    let output = min(chunk, target.count - written)
    stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress?.assumingMemoryBound(to: UInt8.self))?.advanced(by: read)
    stream.avail_in = UInt32(truncatingIfNeeded: input)
    stream.next_out = target.baseAddress?.assumingMemoryBound(to: UInt8.self).advanced(by: written)
    stream.avail_out = UInt32(truncatingIfNeeded: output)
    let status = inflate(&stream, Z_NO_FLUSH)
    let consumed = input - Int(stream.avail_in)
    let produced = output - Int(stream.avail_out)
    read += consumed
    written += produced
    if status == Z_STREAM_END { return written == target.count }
    guard status == Z_OK, consumed + produced > 0 else { return false }
  }
}
