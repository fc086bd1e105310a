import CThreads

/// A value that one thread at a time sees or changes.
///
/// Unlike the standard library's `Mutex` it works in a process that `fork()` made while other threads were using it: nobody holds it there.
// Unchecked: the value is reached only by who holds the lock.
public struct Lock<Value>: ~Copyable, @unchecked Sendable {
  @usableFromInline struct Storage {
    @usableFromInline var lock = ct_lock()
    @usableFromInline var value: Value

    @usableFromInline init(_ value: Value) { self.value = value }
  }

  @usableFromInline let storage: UnsafeMutablePointer<Storage>

  public init(_ value: sending Value) {
    storage = .allocate(capacity: 1)
    storage.initialize(to: Storage(value))
  }

  deinit {
    storage.deinitialize(count: 1)
    storage.deallocate()
  }

  /// Calls `body` while no other thread does. It should not wait, and not call back into the host; it may take other locks.
  @inlinable
  public borrowing func withLock<Result, Failure: Error>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
    ct_lock_acquire(&storage.pointee.lock)
    defer { ct_lock_release(&storage.pointee.lock) }
    return try body(&storage.pointee.value)
  }
}
