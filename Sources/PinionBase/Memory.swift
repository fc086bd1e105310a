import Glibc

/// Where model-sized buffers come from. The functions may be the host's and may refuse.
public struct Allocator: Sendable {
  public typealias Allocate = @convention(c) (_ bytes: Int, _ alignment: Int, _ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?
  public typealias Deallocate = @convention(c) (_ pointer: UnsafeMutableRawPointer?, _ bytes: Int, _ context: UnsafeMutableRawPointer?) -> Void

  let allocateFunction: Allocate
  let deallocateFunction: Deallocate
  nonisolated(unsafe) let context: UnsafeMutableRawPointer?

  /// Both functions must be thread-safe and must outlive every buffer; `allocate` returns nil to refuse.
  public init(allocate: @escaping Allocate, deallocate: @escaping Deallocate, context: UnsafeMutableRawPointer?) {
    allocateFunction = allocate
    deallocateFunction = deallocate
    self.context = context
  }

  /// Equal for allocators that are the same functions with the same context.
  public var identity: [UInt] {
    [unsafeBitCast(allocateFunction, to: UInt.self), unsafeBitCast(deallocateFunction, to: UInt.self), UInt(bitPattern: context)]
  }

  /// Whether it is the C library's heap.
  public var isSystem: Bool {
    unsafeBitCast(allocateFunction, to: UInt.self) == unsafeBitCast(Allocator.system.allocateFunction, to: UInt.self)
      && context == Allocator.system.context
  }

  /// The C library's heap.
  public static let system = Allocator(
    allocate: { bytes, alignment, _ in
      if bytes <= Allocator.smallBytes, let block = malloc(bytes &+ Buffer.alignment) {
        let pointer = UnsafeMutableRawPointer(bitPattern: (UInt(bitPattern: block) &+ UInt(Buffer.alignment)) & ~UInt(Buffer.alignment - 1))
        (pointer.map { $0 - MemoryLayout<UnsafeMutableRawPointer>.size })?.storeBytes(of: block, as: UnsafeMutableRawPointer.self)
        return pointer
      }
      var pointer: UnsafeMutableRawPointer?
      return posix_memalign(&pointer, alignment, bytes) == 0 ? pointer : nil
    },
    deallocate: { pointer, bytes, _ in
      guard bytes <= Allocator.smallBytes, let pointer else { return free(pointer) }
      free((pointer - MemoryLayout<UnsafeMutableRawPointer>.size).load(as: UnsafeMutableRawPointer.self))
    },
    context: nil)

  /// Up to so many bytes are cut out of a block of `malloc`, whose address lies before them: it keeps blocks of such sizes at hand, which
  /// `posix_memalign` does not use.
  private static let smallBytes = 896

  /// Whole pages of their own, which leave no hole in the heap when they go. All come at once in one call of the system, unless that would be a
  /// long one.
  fileprivate static var pages: Allocator {
    Allocator(
      allocate: { bytes, _, _ in Allocator.mapped(bytes, bytes <= Buffer.populatedBytes ? MAP_POPULATE : 0) },
      deallocate: { pointer, bytes, _ in if let pointer { munmap(pointer, bytes) } }, context: nil)
  }

  /// The same, of which each page comes when it is touched.
  static var latePages: Allocator {
    Allocator(
      allocate: { bytes, _, _ in Allocator.mapped(bytes, 0) }, deallocate: { pointer, bytes, _ in if let pointer { munmap(pointer, bytes) } }, context: nil)
  }

  private static func mapped(_ bytes: Int, _ flags: Int32) -> UnsafeMutableRawPointer? {
    let start = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0)
    return start == MAP_FAILED ? nil : start
  }

  /// Memory for what comes and goes in sizes of its own beside what stays, as weights do: not from the C library's heap if it is large.
  /// - Returns: as `buffer(bytes:)`.
  public func separateBuffer(bytes: Int) throws(PinionError) -> Buffer {
    guard bytes >= 1 << 20, isSystem else { return try buffer(bytes: bytes) }
    return try Allocator.pages.buffer(bytes: bytes)
  }

  /// - Returns: at least `bytes` bytes aligned to 64 (a cache line, a whole AVX-512 register).
  public func buffer(bytes: Int) throws(PinionError) -> Buffer {
    let size = try alignedUp(max(bytes, 1), to: Buffer.alignment)
    guard let pointer = allocateFunction(size, Buffer.alignment, context) else { throw .outOfMemory(bytes: size) }
    return Buffer(pointer: pointer, byteCount: size, allocator: self)
  }
}

/// A block of uninitialised memory that is given back when the last reference goes.
// Unchecked: constants; who writes to the memory, and when, is for those to order who share it.
public final class Buffer: @unchecked Sendable {
  public static let alignment = 64
  public let pointer: UnsafeMutableRawPointer
  public let byteCount: Int
  private let allocator: Allocator

  fileprivate init(pointer: UnsafeMutableRawPointer, byteCount: Int, allocator: Allocator) {
    self.pointer = pointer
    self.byteCount = byteCount
    self.allocator = allocator
  }

  /// Bytes of pages of their own that are there as soon as the block is; of a larger one `populate` brings them.
  static let populatedBytes = 8 << 20

  /// Whether the pages of the block are still to come.
  public var isLate: Bool { byteCount > Buffer.populatedBytes && allocator.identity == Allocator.pages.identity }

  /// Has the system provide the pages of a part of a block that is late, which is cheaper than page by page when they are written to.
  public func populate(_ range: Range<Int>) {
    // Systems that do not know MADV_POPULATE_WRITE provide them later.
    madvise(pointer + range.lowerBound, range.count, 23)
  }

  deinit { allocator.deallocateFunction(pointer, byteCount, allocator.context) }
}
