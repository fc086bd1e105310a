import Glibc
import PinionBase

/// Memory between pages that nobody may touch: a byte read or written past its end, or before its start, ends the process.
///
/// Used by one thread. Regions are kept and given out again, since a mapping costs more than a small run.
enum GuardedMemory {
  static let pageBytes = 4096
  /// More than a small node needs is refused, so that running out of memory is met as well.
  static let limit = 1 << 26
  private static let keptPages = 32
  /// Regions in use at once, and kept of each size: together far fewer than a process may have mappings.
  private static let liveLimit = 1 << 14
  private static let keptLimit = 64
  nonisolated(unsafe) private static var live = 0
  nonisolated(unsafe) private static var kept = [[UnsafeMutableRawPointer]](repeating: [], count: keptPages + 1)

  private static func pages(_ bytes: Int) -> Int { max((bytes + pageBytes - 1) / pageBytes, 1) }

  /// The first byte of whole pages for `bytes` between two guards; nil where the system has no more.
  static func region(_ bytes: Int) -> UnsafeMutableRawPointer? {
    guard bytes <= limit, live < liveLimit else { return nil }
    let pages = pages(bytes)
    if pages <= keptPages, let region = kept[pages].popLast() {
      live += 1
      return region
    }
    let whole = mmap(nil, (pages + 2) * pageBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let whole, whole != MAP_FAILED else { return nil }
    let region = whole + pageBytes
    guard mprotect(region, pages * pageBytes, PROT_READ | PROT_WRITE) == 0 else {
      munmap(whole, (pages + 2) * pageBytes)
      return nil
    }
    live += 1
    return region
  }

  static func release(_ region: UnsafeMutableRawPointer, _ bytes: Int) {
    let pages = pages(bytes)
    live -= 1
    if pages <= keptPages, kept[pages].count < keptLimit { return kept[pages].append(region) }
    munmap(region - pageBytes, (pages + 2) * pageBytes)
  }

  /// Where `bytes` start in their region if they end with it.
  static func atEnd(_ region: UnsafeMutableRawPointer, _ bytes: Int) -> UnsafeMutableRawPointer {
    region + (pages(bytes) * pageBytes - bytes)
  }

  /// What the allocator's memory holds at first, in blocks that are not large: no text and no address, so that memory that nobody wrote
  /// is not taken for empty.
  static let pattern: UInt8 = 0xa5

  /// Blocks that end at a guard. Sizes are multiples of 64, so that the start is aligned.
  static let allocator = Allocator(
    allocate: { bytes, _, _ in
      guard let region = GuardedMemory.region(bytes) else { return nil }
      let start = GuardedMemory.atEnd(region, bytes)
      start.initializeMemory(as: UInt8.self, repeating: GuardedMemory.pattern, count: min(bytes, 1 << 16))
      return start
    },
    deallocate: { pointer, bytes, _ in
      guard let pointer else { return }
      GuardedMemory.release(pointer - (GuardedMemory.pages(bytes) * GuardedMemory.pageBytes - bytes), bytes)
    }, context: nil)

  /// A block of exactly `bytes` that touches the guard behind it, or the one before it.
  final class Block {
    let pointer: UnsafeMutableRawPointer
    private let region: UnsafeMutableRawPointer
    private let bytes: Int

    init?(bytes: Int, atStart: Bool = false) {
      guard let region = GuardedMemory.region(bytes) else { return nil }
      self.region = region
      self.bytes = bytes
      pointer = atStart ? region : GuardedMemory.atEnd(region, bytes)
    }

    deinit { GuardedMemory.release(region, bytes) }
  }
}
