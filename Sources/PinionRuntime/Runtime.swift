import PinionBackend
import PinionBase

/// What sessions share: threads and memory.
public final class Runtime: Sendable {
  package let pool: ThreadPool
  public let allocator: Allocator

  /// - Parameter threads: how many threads work on a kernel; 0 for one per processor.
  public init(threads: Int = 0, allocator: Allocator = .system) throws(PinionError) {
    pool = try ThreadPool(threads: threads)
    self.allocator = allocator
  }

  package init(pool: ThreadPool, allocator: Allocator) {
    self.pool = pool
    self.allocator = allocator
  }
}
