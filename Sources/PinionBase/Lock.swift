import CThreads

/// A value that one thread at a time sees or changes.
///
/// Unlike the standard library's `Mutex` it works in a process that `fork()` made while other threads were using it: nobody holds it there.
// Unchecked: the value is reached only by who holds the lock.
public struct Lock<Value>: ~Copyable, @unchecked Sendable {
  // The lock, and the value behind it. Threads wait at the lock at the same time, so that it is never a variable of Swift's, whose accesses exclude
  // one another.
  @usableFromInline let lock: UnsafeMutablePointer<ct_lock>

  @inlinable static var offset: Int {
    let alignment = MemoryLayout<Value>.alignment
    return (MemoryLayout<ct_lock>.size &+ alignment &- 1) & ~(alignment &- 1)
  }

  @inlinable var value: UnsafeMutablePointer<Value> {
    (UnsafeMutableRawPointer(lock) + Lock.offset).assumingMemoryBound(to: Value.self)
  }

  public init(_ value: sending Value) {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: Lock.offset &+ MemoryLayout<Value>.size, alignment: max(MemoryLayout<Value>.alignment, MemoryLayout<ct_lock>.alignment))
    lock = memory.initializeMemory(as: ct_lock.self, repeating: ct_lock(), count: 1)
    (memory + Lock.offset).initializeMemory(as: Value.self, to: value)
  }

  deinit {
    value.deinitialize(count: 1)
    UnsafeMutableRawPointer(lock).deallocate()
  }

  /// Calls `body` while no other thread does. It should not wait, and not call back into the host; it may take other locks.
  @inlinable
  public borrowing func withLock<Result, Failure: Error>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
    ct_lock_acquire(lock)
    defer { ct_lock_release(lock) }
    return try body(&value.pointee)
  }
}
