import CThreads
import PinionBase
import PinionTensor

/// What a kernel sees while it runs.
public struct KernelFrame {
  /// The inputs, then the outputs. The pointer of an absent operand is not to be used.
  let operands: UnsafePointer<UnsafeMutableRawPointer>
  let inputCount: Int
  /// Memory shared by all tasks of the kernel: `Kernel.scratchBytes`, then `laneScratchBytes` for each lane.
  public let scratch: UnsafeMutableRawPointer
  /// This lane's own memory.
  public let laneScratch: UnsafeMutableRawPointer
  /// The run's limits, for kernels whose single task takes long.
  public unowned(unsafe) let control: RunControl
  /// The threads of the run, where the stage has no other task.
  let pool: OpaquePointer?

  public init(
    operands: UnsafePointer<UnsafeMutableRawPointer>, inputCount: Int, scratch: UnsafeMutableRawPointer,
    laneScratch: UnsafeMutableRawPointer, control: RunControl, pool: OpaquePointer? = nil
  ) {
    self.operands = operands
    self.inputCount = inputCount
    self.scratch = scratch
    self.laneScratch = laneScratch
    self.control = control
    self.pool = pool
  }

  @inlinable public func input<T>(_ index: Int, as: T.Type = T.self) -> UnsafePointer<T> {
    UnsafePointer(rawInput(index).assumingMemoryBound(to: T.self))
  }

  @inlinable public func output<T>(_ index: Int, as: T.Type = T.self) -> UnsafeMutablePointer<T> {
    rawOutput(index).assumingMemoryBound(to: T.self)
  }

  /// An input or, counted on after the inputs, an output.
  public func operand(_ index: Int) -> UnsafeMutableRawPointer { operands[index] }

  @inline(__always) public func rawInput(_ index: Int) -> UnsafeRawPointer { UnsafeRawPointer(operands[index]) }
  @inline(__always) public func rawOutput(_ index: Int) -> UnsafeMutableRawPointer { operands[inputCount + index] }

  /// A frame over other operands and scratch memory, for a kernel that runs another one.
  public func with(
    operands: UnsafePointer<UnsafeMutableRawPointer>, inputCount: Int, scratch: UnsafeMutableRawPointer, laneScratch: UnsafeMutableRawPointer
  ) -> KernelFrame {
    KernelFrame(operands: operands, inputCount: inputCount, scratch: scratch, laneScratch: laneScratch, control: control, pool: pool)
  }

  /// Calls `body` once for every index below `count` and returns when all are done: on the run's threads where this is the only task of its
  /// stage, one after the other where it is not or where the host's executor has the threads, of which nobody could tell whether it called all.
  /// For loops whose steps follow from one another; some microseconds of work for each index.
  /// - Parameters:
  ///   - context: what `body` works on.
  ///   - body: captures nothing, so that sharing allocates nothing.
  public func share(_ count: Int, _ context: UnsafeRawPointer, _ body: @escaping (UnsafeRawPointer, Int) -> Void) {
    guard let pool, count > 1, ct_pool_slot(pool) >= 0 else {
      for index in 0..<count { body(context, index) }
      return
    }
    withUnsafePointer(to: Shared(context: context, body: body)) { shared in
      ct_pool_run(
        pool,
        { shared, index in
          guard let shared = shared?.assumingMemoryBound(to: Shared.self) else { return }
          shared.pointee.body(shared.pointee.context, Int(index))
        }, UnsafeMutableRawPointer(mutating: shared), Int32(clamping: count))
    }
  }

  private struct Shared {
    let context: UnsafeRawPointer
    let body: (UnsafeRawPointer, Int) -> Void
  }
}

/// A node made ready to run for fixed shapes: stages in order, each a number of tasks that may run side by side.
///
/// A body captures what it needs when it is made and allocates nothing when it runs. The executor polls the run's limits
/// between tasks, so a task should take below 5 ms.
public struct Kernel: Sendable {
  public typealias Body = @Sendable (_ frame: KernelFrame, _ task: Int) throws(PinionError) -> Void

  public struct Stage: Sendable {
    public let tasks: Int
    public let body: Body
    public init(tasks: Int, body: @escaping Body) {
      self.tasks = tasks
      self.body = body
    }
  }

  public var stages: [Stage]
  /// Bytes of scratch memory that all tasks of all stages share.
  public var scratchBytes: Int
  /// Bytes of scratch memory for each task that runs at the same time.
  public var laneScratchBytes: Int
  /// Which of an operator's ways this is, in a few words for a profile; empty where there is only one.
  public var name = ""
  /// Inputs that no stage reads, because a form of the constant stands for it: there may be nothing at their pointers.
  public var unreadInputs: [Int] = []

  public init(stages: [Stage], scratchBytes: Int = 0, laneScratchBytes: Int = 0) {
    self.stages = stages
    self.scratchBytes = scratchBytes
    self.laneScratchBytes = laneScratchBytes
  }

  /// The same kernel under a name.
  public func named(_ name: String) -> Kernel {
    var kernel = self
    kernel.name = name
    return kernel
  }

  /// A kernel of one task.
  public static func serial(scratchBytes: Int = 0, _ body: @escaping @Sendable (KernelFrame) throws(PinionError) -> Void) -> Kernel {
    Kernel(stages: [Stage(tasks: 1) { (frame, _) throws(PinionError) in try body(frame) }], scratchBytes: scratchBytes)
  }

  /// A kernel of one stage.
  public static func parallel(tasks: Int, laneScratchBytes: Int = 0, _ body: @escaping Body) -> Kernel {
    Kernel(stages: [Stage(tasks: tasks, body: body)], laneScratchBytes: laneScratchBytes)
  }

  /// Splits `count` like elements into tasks of at least `grain`, each called with its range.
  public static func ranges(
    _ count: Int, grain: Int, laneScratchBytes: Int = 0, _ body: @escaping @Sendable (KernelFrame, Range<Int>) throws(PinionError) -> Void
  ) -> Kernel {
    Kernel(stages: [.ranges(count, grain: grain, body)], laneScratchBytes: laneScratchBytes)
  }
}

extension Kernel.Stage {
  /// Splits `count` like elements into tasks of at least `grain`, each called with its range; no task for no elements.
  public static func ranges(
    _ count: Int, grain: Int, _ body: @escaping @Sendable (KernelFrame, Range<Int>) throws(PinionError) -> Void
  ) -> Kernel.Stage {
    let step = max(grain, 1)
    let tasks = count == 0 ? 0 : (count &- 1) / step &+ 1
    return Kernel.Stage(tasks: tasks) { (frame, task) throws(PinionError) in
      let start = task &* step
      try body(frame, start..<min(start &+ step, count))
    }
  }
}
