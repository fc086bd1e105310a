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

/// The host's answer to whether a run shall stop, asked between nodes and tiles on the thread that runs.
public struct StopQuestion: @unchecked Sendable {
  public typealias Function = @convention(c) (_ context: UnsafeMutableRawPointer?) -> Int32
  let ask: Function
  let context: UnsafeMutableRawPointer?

  /// - Parameter ask: returns 0 for a run that goes on.
  public init(_ ask: @escaping Function, context: UnsafeMutableRawPointer?) {
    self.ask = ask
    self.context = context
  }
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
  /// Asked about every 20 ms.
  public var question: StopQuestion?
  /// What the limits are of, for messages.
  public var subject: StaticString = "the run"
  public init() {}

  /// The same limits of something else than a run.
  public func of(_ subject: StaticString) -> RunLimits {
    var limits = self
    limits.subject = subject
    return limits
  }

  /// When to stop, without how much may be taken.
  public var withoutBudgets: RunLimits {
    var limits = self
    limits.bytes = nil
    limits.steps = nil
    return limits
  }
}

/// Nanoseconds of the monotonic clock.
public func monotonicNanoseconds() -> UInt64 { nanoseconds(of: CLOCK_MONOTONIC) }

private func nanoseconds(of clock: clockid_t) -> UInt64 {
  var now = timespec()
  clock_gettime(clock, &now)
  return UInt64(truncatingIfNeeded: now.tv_sec) &* 1_000_000_000 &+ UInt64(truncatingIfNeeded: now.tv_nsec)
}

/// What the runs of a session leave for those to come.
public protocol IdleMemory: AnyObject, Sendable {
  /// Bytes that are held.
  var bytes: Int { get }
  /// Gives back what can be given back, until no more than so many bytes are held.
  func shrink(to bytes: Int)
}

/// What a run in progress is asked to respect; polled between nodes and between the tiles of long kernels.
public final class RunControl: Sendable {
  public let limits: RunLimits
  /// Where memory goes that the run no longer needs. What it has grown by since the run began counts against the run's byte budget, and is
  /// given back where there is no other room; nil for a run without such a budget.
  private let idle: (any IdleMemory)?
  private let idleAtFirst: Int
  private let bytesInUse = Atomic<Int>(0)
  private let bytesPeak = Atomic<Int>(0)
  private let stepsTaken = Atomic<Int>(0)
  @usableFromInline let isLimited: Bool
  private let asking: Asking?
  // The same again, which a check reads without counting a reference.
  private let token: Unmanaged<CancelToken>?
  private let question: Unmanaged<Asking>?

  /// - Parameter idle: where memory goes that the run no longer needs.
  public init(_ limits: RunLimits = RunLimits(), idle: (any IdleMemory)? = nil) {
    self.limits = limits
    self.idle = limits.bytes == nil ? nil : idle
    idleAtFirst = self.idle?.bytes ?? 0
    isLimited = limits.token != nil || limits.deadline != nil || limits.question != nil
    asking = limits.question.map(Asking.init)
    token = limits.token.map(Unmanaged.passUnretained)
    question = asking.map(Unmanaged.passUnretained)
  }

  @inline(__always) private var isCancelled: Bool { token?._withUnsafeGuaranteedRef { $0.isCancelled } ?? false }
  @inline(__always) private var isStoppedByHost: Bool { question?._withUnsafeGuaranteedRef { $0.isToStop } ?? false }

  /// A control with the same token, deadline and question, and an account of its own under the same byte budget: for work that is
  /// done once, whose results outlive the run.
  public func alongside() -> RunControl {
    var limits = limits
    limits.steps = nil
    return RunControl(limits)
  }

  /// True once the token is set or the deadline has passed; cheap enough for every tile of about 0.1 ms.
  public var shouldStop: Bool {
    guard isLimited else { return false }
    if isCancelled { return true }
    if let deadline = limits.deadline, monotonicNanoseconds() >= deadline { return true }
    return isStoppedByHost
  }

  /// Throws the reason for which the run has to stop, if there is one.
  @inlinable @inline(__always) public func check() throws(PinionError) {
    guard isLimited else { return }
    try checkLimits()
  }

  @inline(never) @usableFromInline func checkLimits() throws(PinionError) {
    if isCancelled { throw PinionError(.cancelled, "\(limits.subject) was cancelled") }
    if let deadline = limits.deadline, monotonicNanoseconds() >= deadline {
      throw PinionError(.deadlineExceeded, "the deadline of \(limits.subject) passed")
    }
    if isStoppedByHost { throw PinionError(.cancelled, "the host stopped \(limits.subject)") }
  }

  /// Counts `count` node executions against the step budget.
  @inline(__always) public func takeSteps(_ count: Int) throws(PinionError) {
    guard let limit = limits.steps else { return }
    let taken = stepsTaken.wrappingAdd(count, ordering: .relaxed).newValue
    guard taken <= limit else { throw PinionError(.budgetExceeded, "\(limits.subject) needs more than its budget of \(limit) steps") }
  }

  /// Accounts for memory that the run is about to hold.
  public func takeBytes(_ count: Int) throws(PinionError) {
    let inUse = bytesInUse.wrappingAdd(count, ordering: .relaxed).newValue
    if let limit = limits.bytes, inUse > limit {
      bytesInUse.wrappingSubtract(count, ordering: .relaxed)
      throw PinionError(.budgetExceeded, "\(limits.subject) needs \(inUse) bytes and its budget is \(limit)")
    }
    makeIdleFit(inUse)
    var peak = bytesPeak.load(ordering: .relaxed)
    while inUse > peak {
      let result = bytesPeak.weakCompareExchange(expected: peak, desired: inUse, ordering: .relaxed)
      if result.exchanged { break }
      peak = result.original
    }
  }

  /// Gives idle memory back that this run has left and that its budget has no room for besides what it holds.
  private func makeIdleFit(_ inUse: Int) {
    guard let idle, let most = mostIdle(besides: inUse), idle.bytes > most else { return }
    idle.shrink(to: most)
  }

  /// To be told after memory has become idle.
  public func leftIdle() { makeIdleFit(bytesInUse.load(ordering: .relaxed)) }

  /// Whether so many bytes more would have to come from what is idle.
  public func needsIdle(for bytes: Int) -> Bool {
    guard let idle, let most = mostIdle(besides: bytesInUse.load(ordering: .relaxed) &+ bytes) else { return false }
    return idle.bytes > most
  }

  /// How much may be idle besides what the run holds.
  private func mostIdle(besides inUse: Int) -> Int? {
    guard let limit = limits.bytes else { return nil }
    let (sum, overflow) = idleAtFirst.addingReportingOverflow(max(limit &- inUse, 0))
    return overflow ? .max : sum
  }

  /// What the records of a value in the heap are counted as.
  public static let recordBytes = 256

  public func giveBytes(_ count: Int) { bytesInUse.wrappingSubtract(count, ordering: .relaxed) }

  /// The most bytes the run has held at once so far.
  public var peakBytes: Int { bytesPeak.load(ordering: .relaxed) }
}

/// Puts a host's question now and then. Only the thread that began the run asks: the host may need it to be a thread of its own.
private final class Asking: Sendable {
  private static let interval: UInt64 = 20_000_000
  private static let mostChecksApart = 64

  private let question: StopQuestion
  private let thread = pthread_self()
  private let isStopped = Atomic<Bool>(false)
  // Below here only `thread` reads and writes. Checks are counted, so that few of them read the clock.
  private let checksLeft = Atomic<Int>(4)
  private let checksApart = Atomic<Int>(4)
  private let lastReading = Atomic<UInt64>(0)
  private let nextQuestion = Atomic<UInt64>(0)

  init(_ question: StopQuestion) { self.question = question }

  var isToStop: Bool {
    if isStopped.load(ordering: .relaxed) { return true }
    guard pthread_equal(pthread_self(), thread) != 0 else { return false }
    let left = checksLeft.load(ordering: .relaxed) &- 1
    checksLeft.store(left, ordering: .relaxed)
    return left <= 0 && isToStopAfterReadingTheClock()
  }

  @inline(never) private func isToStopAfterReadingTheClock() -> Bool {
    let now = nanoseconds(of: CLOCK_MONOTONIC_COARSE)
    let last = lastReading.load(ordering: .relaxed)
    var apart = checksApart.load(ordering: .relaxed)
    // Readings come some milliseconds apart, however long the nodes take.
    if last != 0 { apart = now &- last > Asking.interval / 4 ? 1 : min(apart &* 2, Asking.mostChecksApart) }
    checksApart.store(apart, ordering: .relaxed)
    checksLeft.store(apart, ordering: .relaxed)
    lastReading.store(now, ordering: .relaxed)
    guard last != 0 else {
      nextQuestion.store(now &+ Asking.interval, ordering: .relaxed)
      return false
    }
    guard now >= nextQuestion.load(ordering: .relaxed) else { return false }
    let stops = question.ask(question.context) != 0
    if stops { isStopped.store(true, ordering: .relaxed) }
    // A host that answers slowly, perhaps waiting for a lock, is asked less often.
    let end = nanoseconds(of: CLOCK_MONOTONIC_COARSE)
    nextQuestion.store(end &+ max(Asking.interval, (end &- now) &* 8), ordering: .relaxed)
    lastReading.store(end, ordering: .relaxed)
    return stops
  }
}
