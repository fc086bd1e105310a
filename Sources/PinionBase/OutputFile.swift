import Glibc
import Synchronization

/// A file that appears under its name when it is complete: until then a file that is there stays as it is, and so it does where writing
/// fails.
public final class OutputFile {
  /// Where the file will be: where links lead.
  public let path: String
  private let temporary: String
  private var descriptor: Int32
  private var buffer: [UInt8] = []
  /// Bytes written so far.
  public private(set) var offset = 0

  private static let bufferBytes = 1 << 16
  private static let counter = Atomic<Int>(0)

  /// - Throws: `.io` where no file can be made there.
  public init(path: String) throws(PinionError) {
    guard !path.isEmpty, !path.utf8.contains(0) else { throw ioError("write", path, "no path of a file") }
    let target = try OutputFile.target(of: path)
    self.path = target
    let slash = target.utf8.lastIndex(of: UInt8(ascii: "/"))
    let folder = slash.map { String(target.utf8[...$0]) ?? "" } ?? ""
    while true {
      let number = OutputFile.counter.wrappingAdd(1, ordering: .relaxed).newValue
      let name = "\(folder).pinion-\(getpid())-\(number).tmp"
      let opened = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if opened < 0, errno == EEXIST { continue }
      guard opened >= 0 else { throw ioError("write", path, systemMessage(errno)) }
      temporary = name
      descriptor = opened
      return
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporary)
  }

  /// What a link leads to, whether there is a file or not; one that is there has to be a regular one.
  private static func target(of path: String) throws(PinionError) -> String {
    var target = path
    for _ in 0..<linkLimit {
      var status = stat()
      if stat(target, &status) == 0 {
        guard status.st_mode & S_IFMT == S_IFREG else { throw ioError("write", path, "not a regular file") }
        guard let resolved = realpath(target, nil) else { return target }
        defer { free(resolved) }
        return String(cString: resolved)
      }
      let reason = errno
      guard reason != ELOOP else { throw ioError("write", path, systemMessage(reason)) }
      guard reason == ENOENT, let next = end(ofLink: target) else { return target }
      target = next
    }
    throw ioError("write", path, systemMessage(ELOOP))
  }

  /// Links that lead to links; the kernel follows as many.
  private static let linkLimit = 40

  /// What a link says, from where the link is; nil for anything else.
  private static func end(ofLink path: String) -> String? {
    let end = withUnsafeTemporaryAllocation(byteCount: Int(PATH_MAX), alignment: 1) { memory -> String? in
      guard let start = memory.baseAddress else { return nil }
      let count = readlink(path, start, memory.count)
      return count > 0 && count < memory.count ? String(utf8: UnsafeRawBufferPointer(rebasing: memory[..<count])) : nil
    }
    guard let end, !end.hasPrefix("/"), let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return end }
    return String(path[...slash]) + end
  }

  public func write(_ bytes: [UInt8]) throws(PinionError) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(PinionError) in try write(UnsafeRawBufferPointer(bytes)) }
  }

  public func write(_ bytes: UnsafeRawBufferPointer) throws(PinionError) {
    offset = try offset.adding(bytes.count)
    if buffer.count + bytes.count <= OutputFile.bufferBytes {
      buffer.append(contentsOf: bytes)
      return
    }
    try flush()
    if bytes.count < OutputFile.bufferBytes { buffer.append(contentsOf: bytes) } else { try writeOut(bytes) }
  }

  /// Zeros up to the next multiple of a power of two.
  public func pad(to alignment: Int) throws(PinionError) {
    try write([UInt8](repeating: 0, count: try alignedUp(offset, to: alignment) - offset))
  }

  /// Writes all of it to the disk, and lets the file appear under its name.
  public func commit() throws(PinionError) {
    try flush()
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure() }
    let open = descriptor
    descriptor = -1
    guard close(open) == 0, rename(temporary, path) == 0 else {
      let error = failure()
      unlink(temporary)
      throw error
    }
  }

  private func flush() throws(PinionError) {
    try buffer.withUnsafeBufferPointer { (bytes) throws(PinionError) in try writeOut(UnsafeRawBufferPointer(bytes)) }
    buffer.removeAll(keepingCapacity: true)
  }

  private func writeOut(_ bytes: UnsafeRawBufferPointer) throws(PinionError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 {
        guard errno == EINTR else { throw failure() }
        continue
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  private func failure() -> PinionError { ioError("write", path, systemMessage(errno)) }
}
