import CThreads
import PinionBase
import Synchronization

/// Threads that share the tasks of a kernel.
// Unchecked: two constants; the C pool behind the pointer may be called from any thread.
public final class ThreadPool: @unchecked Sendable {
  let pool: OpaquePointer
  public let threads: Int

  /// - Parameter threads: how many threads work on a kernel, the caller included; 0 for one per processor.
  public init(threads: Int) throws(PinionError) {
    let count = threads == 0 ? Int(ct_processor_count()) : threads
    guard count > 0, count <= 1024 else { throw .invalidArgument("\(threads) threads; expected 0 to 1024") }
    guard let pool = ct_pool_create(Int32(count)) else { throw PinionError(.outOfMemory, "cannot start \(count) threads") }
    self.pool = pool
    self.threads = count
  }

  /// A pool that hands its jobs to the host's executor.
  public init(threads: Int, executor: @escaping ct_parallel_for, host: UnsafeMutableRawPointer?) throws(PinionError) {
    guard threads > 0, threads <= 1024 else { throw .invalidArgument("\(threads) threads; expected 1 to 1024") }
    guard let pool = ct_pool_create_with_executor(Int32(threads), executor, host) else {
      throw PinionError(.outOfMemory, "cannot create a pool")
    }
    self.pool = pool
    self.threads = threads
  }

  deinit { ct_pool_destroy(pool) }

  /// Brackets a run: within it workers wait for the next kernel awake.
  public func begin() { if threads > 1 { ct_pool_begin(pool) } }
  public func end() { if threads > 1 { ct_pool_end(pool) } }
  /// Wakes the workers ahead of stages that they will share.
  @inline(__always) public func wake() { if threads > 1 { ct_pool_wake(pool) } }
}

/// Tasks that one thread takes first, in order; whoever has done its own goes on with another's. On two lines of its own.
private struct Share: ~Copyable {
  let next = Atomic<Int>(0)
  let end = Atomic<Int>(0)
  private let apart: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) =
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
}

/// The state that the lanes of one stage share; one for each run in progress, so that no stage allocates.
///
/// A thread begins with the same part of the tasks in every stage, so that what it reads is often what it has written.
// Unchecked: set before the lanes begin and cleared when all are done; what they write meanwhile is atomic, their own, or the first
// failing lane's.
public final class StageJob: @unchecked Sendable {
  private var shares: UnsafeMutablePointer<Share>?
  private var capacity = 0
  fileprivate var lanes = 0
  /// Whose threads run the lanes.
  fileprivate var pool: OpaquePointer?
  fileprivate let failed = Atomic<Bool>(false)
  fileprivate var body: Kernel.Body?
  fileprivate var operands: UnsafePointer<UnsafeMutableRawPointer>?
  fileprivate var inputCount = 0
  fileprivate var scratch: UnsafeMutableRawPointer?
  fileprivate var laneScratch: UnsafeMutableRawPointer?
  fileprivate var laneScratchBytes = 0
  fileprivate unowned(unsafe) var control: RunControl
  private let hasError = Atomic<Bool>(false)
  /// Written by the lane that set `hasError`, read when all lanes are done: no lock, which lanes of a forked child could not share.
  private var error: PinionError?

  public init(control: RunControl) { self.control = control }

  deinit {
    shares?.deinitialize(count: capacity)
    shares?.deallocate()
  }

  /// - Precondition: no lane is running.
  fileprivate func deal(_ tasks: Int, threads: Int) {
    lanes = min(threads, tasks)
    if capacity < threads {
      shares?.deinitialize(count: capacity)
      shares?.deallocate()
      let new = UnsafeMutablePointer<Share>.allocate(capacity: threads)
      for index in 0..<threads { (new + index).initialize(to: Share()) }
      (shares, capacity) = (new, threads)
    }
    guard let shares else { return }
    let (each, more) = tasks.quotientAndRemainder(dividingBy: lanes)
    for lane in 0..<lanes {
      let first = lane &* each &+ min(lane, more)
      shares[lane].next.store(first, ordering: .relaxed)
      shares[lane].end.store(first &+ each &+ (lane < more ? 1 : 0), ordering: .relaxed)
    }
  }

  /// Whether every task has been taken.
  fileprivate var isDealtOut: Bool {
    guard let shares else { return true }
    return (0..<lanes).allSatisfy { shares[$0].next.load(ordering: .acquiring) >= shares[$0].end.load(ordering: .relaxed) }
  }

  fileprivate func fail(_ reason: PinionError) {
    if !hasError.exchange(true, ordering: .relaxed) { error = reason }
    failed.store(true, ordering: .releasing)
  }

  fileprivate func takeError() -> PinionError? {
    let reason = error
    error = nil
    hasError.store(false, ordering: .relaxed)
    return reason
  }

  fileprivate func runLane(_ lane: Int) {
    guard let body, let operands, let scratch, let laneScratch, let shares, let pool else { return }
    let slot = Int(ct_pool_slot(pool))
    let place = slot >= 0 ? slot : lane
    let frame = KernelFrame(
      operands: operands, inputCount: inputCount, scratch: scratch, laneScratch: laneScratch + place &* laneScratchBytes,
      control: control)
    for turn in 0..<lanes {
      let share = (place &+ turn) % lanes
      let end = shares[share].end.load(ordering: .relaxed)
      while !failed.load(ordering: .relaxed) {
        let task = shares[share].next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard task < end else { break }
        do throws(PinionError) {
          try control.check()
          try body(frame, task)
        } catch { fail(error) }
      }
    }
  }
}

/// Runs the stages of kernels on a pool.
public struct StageExecutor: Sendable {
  public let pool: ThreadPool
  public var threads: Int { pool.threads }

  public init(pool: ThreadPool) { self.pool = pool }

  /// Runs one stage; the scratch pointers have room for what its kernel asks.
  @inline(__always)
  public func run(
    _ stage: borrowing Kernel.Stage, operands: UnsafePointer<UnsafeMutableRawPointer>, inputCount: Int, scratch: UnsafeMutableRawPointer,
    laneScratch: UnsafeMutableRawPointer, laneScratchBytes: Int, job: StageJob, control: RunControl
  ) throws(PinionError) {
    if stage.tasks == 1 || pool.threads == 1 {
      try runHere(stage, operands: operands, inputCount: inputCount, scratch: scratch, laneScratch: laneScratch, control: control)
    } else if stage.tasks > 0 {
      job.operands = operands
      job.inputCount = inputCount
      job.scratch = scratch
      job.laneScratch = laneScratch
      job.laneScratchBytes = laneScratchBytes
      try runParallel(stage, job: job, control: control)
    }
  }

  /// Runs the tasks of a stage one after the other.
  @inline(__always)
  private func runHere(
    _ stage: borrowing Kernel.Stage, operands: UnsafePointer<UnsafeMutableRawPointer>, inputCount: Int, scratch: UnsafeMutableRawPointer,
    laneScratch: UnsafeMutableRawPointer, control: RunControl
  ) throws(PinionError) {
    let frame = KernelFrame(
      operands: operands, inputCount: inputCount, scratch: scratch, laneScratch: laneScratch, control: control,
      pool: pool.threads > 1 ? pool.pool : nil)
    var task = 0
    while task < stage.tasks {
      try control.check()
      try stage.body(frame, task)
      task &+= 1
    }
  }

  @inline(never)
  private func runParallel(_ stage: borrowing Kernel.Stage, job: StageJob, control: RunControl) throws(PinionError) {
    job.body = stage.body
    job.pool = pool.pool
    job.control = control
    job.deal(stage.tasks, threads: pool.threads)
    job.failed.store(false, ordering: .relaxed)
    ct_pool_run(
      pool.pool,
      { context, lane in
        guard let context else { return }
        Unmanaged<StageJob>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.runLane(Int(lane)) }
      }, Unmanaged.passUnretained(job).toOpaque(), Int32(truncatingIfNeeded: job.lanes))
    job.body = nil
    if job.failed.load(ordering: .acquiring) {
      throw job.takeError() ?? .internal("a task failed without a reason")
    }
    // A lane goes on until there is no task left: where some are, nobody has called it.
    guard job.isDealtOut else {
      throw .invalidArgument("the host's parallel_for returned without having called its task")
    }
  }

  /// Runs a whole kernel with scratch memory of its own, outside a plan.
  public func run(
    _ kernel: Kernel, operands: [UnsafeMutableRawPointer], inputCount: Int, control: RunControl, allocator: Allocator
  ) throws(PinionError) {
    let shared = try alignedUp(kernel.scratchBytes, to: Buffer.alignment)
    let lane = try alignedUp(kernel.laneScratchBytes, to: Buffer.alignment)
    let bytes = try shared.adding(try lane.multiplied(by: threads))
    if bytes > 0 { try control.takeBytes(bytes) }
    defer { if bytes > 0 { control.giveBytes(bytes) } }
    let pointers = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: max(operands.count, 1))
    defer { pointers.deallocate() }
    for (index, operand) in operands.enumerated() { (pointers + index).initialize(to: operand) }
    let memory = bytes > 0 ? try allocator.buffer(bytes: bytes) : nil
    defer { withExtendedLifetime(memory) {} }
    let scratch = memory?.pointer ?? UnsafeMutableRawPointer(pointers)
    var job: StageJob?
    for stage in kernel.stages {
      if stage.tasks <= 1 || pool.threads == 1 {
        try runHere(
          stage, operands: pointers, inputCount: inputCount, scratch: scratch, laneScratch: scratch + shared, control: control)
        continue
      }
      let parallel = job ?? StageJob(control: control)
      job = parallel
      try run(
        stage, operands: pointers, inputCount: inputCount, scratch: scratch, laneScratch: scratch + shared, laneScratchBytes: lane,
        job: parallel, control: control)
    }
  }
}
