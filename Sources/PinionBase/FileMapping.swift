import Glibc

/// Bytes that stay where they are until the last reference goes: a file mapped read-only, an owned copy, or borrowed memory.
///
/// A mapped file must not be truncated by another process while a mapping of it lives: the kernel answers an access
/// behind the new end with SIGBUS.
// Unchecked: constants, and memory that nobody writes to.
public final class FileMapping: @unchecked Sendable {
  /// Never empty.
  public let bytes: UnsafeRawBufferPointer
  /// The path or a caller's word for the bytes; used in messages only.
  public let name: String
  /// Where a mapped file lay when it was opened, without links; nil for memory and where the system does not tell.
  public let realPath: [UInt8]?
  /// Which file was mapped, in which state; nil for memory.
  public let identity: FileIdentity?

  private enum Storage {
    case mapped
    case copied(Buffer)
    case borrowed
  }
  private let storage: Storage

  private init(
    bytes: UnsafeRawBufferPointer, name: String, realPath: [UInt8]? = nil, identity: FileIdentity? = nil, storage: Storage
  ) {
    self.bytes = bytes
    self.name = name
    self.realPath = realPath
    self.identity = identity
    self.storage = storage
  }

  /// Maps a regular file.
  ///
  /// Throws `.io` where the file cannot be opened or mapped, is no regular file (a directory, FIFO, device or socket), or is empty.
  public convenience init(path: String, access: FileAccess = .mapped) throws(PinionError) {
    guard !path.utf8.contains(0) else { throw ioError("open", path, "the path contains a null byte") }
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw ioError("open", path, systemMessage(errno)) }
    defer { close(descriptor) }
    try self.init(descriptor: descriptor, name: path, access: access)
  }

  /// Maps or reads what `descriptor` has open, which may be closed afterwards.
  convenience init(descriptor: Int32, name: String, access: FileAccess) throws(PinionError) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw ioError("read", name, systemMessage(errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw ioError("read", name, "not a regular file") }
    guard status.st_size > 0 else { throw ioError("read", name, "the file is empty") }
    let count: Int = try status.st_size.converted()
    if case .read(let allocator, let control) = access {
      let buffer = try read(descriptor, count, name, allocator, control)
      var after = stat()
      // Its other times change with its names as well.
      guard fstat(descriptor, &after) == 0, after.st_size == status.st_size, after.st_mtim.tv_sec == status.st_mtim.tv_sec,
        after.st_mtim.tv_nsec == status.st_mtim.tv_nsec
      else {
        throw ioError("read", name, "the file has changed while it was read")
      }
      self.init(
        bytes: UnsafeRawBufferPointer(start: buffer.pointer, count: count), name: name, realPath: PinionBase.realPath(descriptor),
        storage: .copied(buffer))
      return
    }
    guard let start = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), start != MAP_FAILED else {
      throw ioError("map", name, systemMessage(errno))
    }
    self.init(
      bytes: UnsafeRawBufferPointer(start: start, count: count), name: name, realPath: PinionBase.realPath(descriptor),
      identity: FileIdentity(status), storage: .mapped)
  }

  /// Copies `source` to a buffer of `allocator`, aligned to 64 bytes. Throws `.invalidArgument` where `source` is empty.
  public convenience init(
    copying source: UnsafeRawBufferPointer, name: String = "memory", allocator: Allocator = .system
  ) throws(PinionError) {
    guard let start = source.baseAddress, source.count > 0 else { throw .invalidArgument("\(name) is empty") }
    let buffer = try allocator.buffer(bytes: source.count)
    buffer.pointer.copyMemory(from: start, byteCount: source.count)
    let bytes = UnsafeRawBufferPointer(start: buffer.pointer, count: source.count)
    self.init(bytes: bytes, name: name, storage: .copied(buffer))
  }

  /// Takes the first `count` bytes of a buffer, which nobody writes to from now on.
  /// Throws `.invalidArgument` where there are none or not as many.
  public convenience init(owning buffer: Buffer, count: Int, name: String = "memory") throws(PinionError) {
    guard count != 0 else { throw .invalidArgument("\(name) is empty") }
    guard count > 0, count <= buffer.byteCount else { throw .invalidArgument("\(name) has \(buffer.byteCount) bytes, not \(count)") }
    self.init(bytes: UnsafeRawBufferPointer(start: buffer.pointer, count: count), name: name, storage: .copied(buffer))
  }

  /// Refers to the caller's memory, which must stay unchanged for as long as this object lives.
  /// Throws `.invalidArgument` where `source` is empty.
  public convenience init(borrowing source: UnsafeRawBufferPointer, name: String = "memory") throws(PinionError) {
    guard source.baseAddress != nil, source.count > 0 else { throw .invalidArgument("\(name) is empty") }
    self.init(bytes: source, name: name, storage: .borrowed)
  }

  deinit {
    if case .mapped = storage { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }
  }

  /// Lets the system have the pages of a range back, which are read from the file anew where somebody asks for them again. Does
  /// nothing for memory that is no file, and for bytes that lie elsewhere.
  public func giveBack(_ range: UnsafeRawBufferPointer) {
    guard case .mapped = storage, let first = bytes.baseAddress, let start = range.baseAddress, range.count > 0 else { return }
    let page = sysconf(Int32(_SC_PAGESIZE)), offset = start - first
    guard page > 0, offset >= 0, offset <= bytes.count, range.count <= bytes.count - offset else { return }
    // Neighbours on the outer pages refault as well.
    let lower = offset / page * page
    _ = madvise(UnsafeMutableRawPointer(mutating: first + lower), offset + range.count - lower, MADV_DONTNEED)
  }

  /// All bytes with their owner.
  public var all: MappedBytes { MappedBytes(unchecked: bytes, of: self) }
}

/// How the bytes of a file get into memory.
public enum FileAccess: Sendable {
  /// The file itself is mapped: nothing is copied, and nobody may change or truncate it meanwhile.
  case mapped
  /// The file is copied to memory of the allocator, within the limits: for files that others may change.
  case read(Allocator, RunControl)
}

/// All `count` bytes of a file.
/// - Throws: `.io` for an error of the system and for a file that has become shorter; what the limits and the allocator say.
private func read(
  _ descriptor: Int32, _ count: Int, _ name: String, _ allocator: Allocator, _ control: RunControl
) throws(PinionError) -> Buffer {
  try control.takeBytes(count)
  let buffer = try allocator.buffer(bytes: count)
  var offset = 0
  while offset < count {
    try control.check()
    let got = pread(descriptor, buffer.pointer + offset, min(count - offset, 1 << 20), off_t(offset))
    if got < 0 {
      guard errno == EINTR else { throw ioError("read", name, systemMessage(errno)) }
      continue
    }
    guard got > 0 else { throw ioError("read", name, "the file ends after \(offset) bytes of the \(count) that it had") }
    offset += got
  }
  return buffer
}

/// A range of a mapping, which it keeps alive.
// Unchecked: a range of memory that nobody writes to.
public struct MappedBytes: @unchecked Sendable {
  public let owner: FileMapping
  /// Valid while `self` or `owner` is held.
  public let bytes: UnsafeRawBufferPointer

  /// `bytes` must lie inside those of `owner`.
  @inlinable public init(unchecked bytes: UnsafeRawBufferPointer, of owner: FileMapping) {
    self.owner = owner
    self.bytes = bytes
  }

  @inlinable public var count: Int { bytes.count }

  /// Whether the first byte's address is a multiple of `alignment`.
  @inlinable public func isAligned(to alignment: Int) -> Bool {
    Int(bitPattern: bytes.baseAddress) % alignment == 0
  }

  /// `count` bytes from `offset` on. Throws `.invalidArgument` where they are not all inside.
  public func slice(offset: Int, count: Int) throws(PinionError) -> MappedBytes {
    guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else {
      throw .invalidArgument("bytes \(offset)..+\(count) are not inside the \(bytes.count) bytes of \(owner.name)")
    }
    return MappedBytes(unchecked: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]), of: owner)
  }

  /// The bytes as UTF-8 text, nil where they are not valid.
  public var text: String? {
    withExtendedLifetime(owner) { String(utf8: bytes) }
  }

  /// The bytes as UTF-8 text with every invalid sequence replaced by U+FFFD.
  public var repairedText: String {
    withExtendedLifetime(owner) { String(decoding: bytes, as: UTF8.self) }
  }
}

func ioError(_ verb: String, _ name: String, _ reason: String) -> PinionError {
  PinionError(.io, "cannot \(verb) '\(name)': \(reason)")
}

/// The C library's words for an error number.
func systemMessage(_ number: Int32) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
    guard let start = buffer.baseAddress else { return "error \(number)" }
    guard strerror_r(number, start, buffer.count) == 0 else { return "error \(number)" }
    return String(cString: start)
  }
}
