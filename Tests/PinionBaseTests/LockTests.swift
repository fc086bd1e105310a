import Glibc
import PinionBase
import Testing

@Suite struct LockTests {
  private final class Counter: Sendable {
    let count = Lock(0)
    let names = Lock<[Int: String]>([:])
  }

  @Test func oneThreadAtATimeChangesTheValue() async {
    let counter = Counter()
    await withTaskGroup(of: Void.self) { group in
      for task in 0..<8 {
        group.addTask {
          for turn in 0..<1000 {
            counter.count.withLock { $0 += 1 }
            counter.names.withLock { $0[turn] = "\(task)" }
          }
        }
      }
    }
    #expect(counter.count.withLock { $0 } == 8000)
    #expect(counter.names.withLock { $0.count } == 1000)
  }

  @Test func anErrorGivesTheLockBack() {
    struct Failure: Error {}
    let lock = Lock([1])
    #expect(throws: Failure.self) {
      try lock.withLock { value throws(Failure) in
        value.append(2)
        throw Failure()
      }
    }
    #expect(lock.withLock { $0 } == [1, 2])
  }

  @Test func locksNest() {
    let outer = Lock(1), inner = Lock(2)
    #expect(outer.withLock { first in inner.withLock { first + $0 } } == 3)
  }

  @Test func theValueIsReleasedWithTheLock() {
    final class Value: Sendable {}
    weak var released: Value?
    do {
      let lock = Lock(Value())
      released = lock.withLock { $0 }
      #expect(released != nil)
    }
    #expect(released == nil)
  }
}
