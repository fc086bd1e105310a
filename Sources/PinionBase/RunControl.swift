import Glibc
import Synchronization

/// A flag that any thread may set to stop the runs that were given it.
public final class CancelToken: Sendable {
  private let flag = Atomic<Bool>(false)
  public init() {}
  public func cancel() { flag.store(true, ordering: .relaxed) }
  public func reset() { flag.store(false, ordering: .relaxed) }
  @inline(__always) public var isCancelled: Bool { flag.load(ordering: .relaxed) }
}

/// Limits of one run; a nil limit does not apply.
public struct RunLimits: Sendable {
  public var token: CancelToken?
  /// Nanoseconds of the monotonic clock at which the run has to stop.
  public var deadline: UInt64?
  /// Bytes that the run may hold at once besides weights and caller's buffers.
  public var bytes: Int?
  /// Node executions, counted in loop bodies as well.
  public var steps: Int?
  public init() {}
}

/// Nanoseconds of the monotonic clock.
public func monotonicNanoseconds() -> UInt64 {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return UInt64(truncatingIfNeeded: now.tv_sec) &* 1_000_000_000 &+ UInt64(truncatingIfNeeded: now.tv_nsec)
}

/// What a run in progress is asked to respect; polled between nodes and between the tiles of long kernels.
public final class RunControl: Sendable {
  public let limits: RunLimits
  private let bytesInUse = Atomic<Int>(0)
  private let bytesPeak = Atomic<Int>(0)
  private let stepsTaken = Atomic<Int>(0)
  private let isLimited: Bool

  public init(_ limits: RunLimits = RunLimits()) {
    self.limits = limits
    isLimited = limits.token != nil || limits.deadline != nil
  }

  /// True once the token is set or the deadline has passed; cheap enough for every tile of about 0.1 ms.
  public var shouldStop: Bool {
    guard isLimited else { return false }
    if let token = limits.token, token.isCancelled { return true }
    if let deadline = limits.deadline, monotonicNanoseconds() >= deadline { return true }
    return false
  }

  /// Throws the reason for which the run has to stop, if there is one.
  @inline(__always) public func check() throws(PinionError) {
    guard isLimited else { return }
    try checkLimits()
  }

  @inline(never) private func checkLimits() throws(PinionError) {
    if let token = limits.token, token.isCancelled { throw PinionError(.cancelled, "the run was cancelled") }
    if let deadline = limits.deadline, monotonicNanoseconds() >= deadline {
      throw PinionError(.deadlineExceeded, "the run's deadline passed")
    }
  }

  /// Counts `count` node executions against the step budget.
  @inline(__always) public func takeSteps(_ count: Int) throws(PinionError) {
    guard let limit = limits.steps else { return }
    let taken = stepsTaken.wrappingAdd(count, ordering: .relaxed).newValue
    guard taken <= limit else { throw PinionError(.budgetExceeded, "the run needs more than its budget of \(limit) steps") }
  }

  /// Accounts for memory that the run is about to hold.
  public func takeBytes(_ count: Int) throws(PinionError) {
    let inUse = bytesInUse.wrappingAdd(count, ordering: .relaxed).newValue
    if let limit = limits.bytes, inUse > limit {
      bytesInUse.wrappingSubtract(count, ordering: .relaxed)
      throw PinionError(.budgetExceeded, "the run needs \(inUse) bytes and its budget is \(limit)")
    }
    var peak = bytesPeak.load(ordering: .relaxed)
    while inUse > peak {
      let result = bytesPeak.weakCompareExchange(expected: peak, desired: inUse, ordering: .relaxed)
      if result.exchanged { break }
      peak = result.original
    }
  }

  public func giveBytes(_ count: Int) { bytesInUse.wrappingSubtract(count, ordering: .relaxed) }

  /// The most bytes the run has held at once so far.
  public var peakBytes: Int { bytesPeak.load(ordering: .relaxed) }
}
