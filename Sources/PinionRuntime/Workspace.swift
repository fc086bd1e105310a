import PinionBackend
import PinionBase
import Synchronization

/// Idle workspaces of segments that lie alike in memory.
final class WorkspacePool: Sendable {
  let arenaBytes: Int
  private let idle = Mutex<[Workspace]>([])
  private let numbers = Atomic<Int>(0)
  private let made = Atomic<Int>(0)

  init(arenaBytes: Int) { self.arenaBytes = arenaBytes }

  func nextNumber() -> Int { numbers.wrappingAdd(1, ordering: .relaxed).newValue }

  /// A workspace that no other run uses, with the segment's operands.
  func take(for segment: Segment, allocator: Allocator) throws(PinionError) -> Workspace {
    let workspace: Workspace
    if let free = idle.withLock({ $0.popLast() }) {
      workspace = free
    } else {
      workspace = try Workspace(segment, allocator: allocator)
      made.wrappingAdd(1, ordering: .relaxed)
    }
    if workspace.number != segment.number { workspace.fill(segment) }
    return workspace
  }

  func giveBack(_ workspace: Workspace) { idle.withLock { $0.append(workspace) } }

  /// Bytes of all workspaces ever made.
  var madeBytes: Int {
    let (bytes, overflow) = made.load(ordering: .relaxed).multipliedReportingOverflow(by: arenaBytes)
    return overflow ? .max : bytes
  }

  var idleBytes: Int { idle.withLock { $0.count } &* arenaBytes }
}

/// Memory of one run of a segment: the arena, and the table of operand pointers into it. One run has it at a time, so that it may go from
/// thread to thread unlocked.
final class Workspace: @unchecked Sendable {
  let arena: Buffer
  let operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let externals: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let control: RunControl
  let job: StageJob
  /// The segment whose operands are in the table.
  private(set) var number = 0

  init(_ segment: Segment, allocator: Allocator) throws(PinionError) {
    arena = try allocator.buffer(bytes: segment.arenaBytes)
    let operandCount = max(segment.operands.count, 1), externalCount = max(segment.externals.count, 1)
    operands = .allocate(capacity: operandCount)
    operands.initialize(repeating: arena.pointer, count: operandCount)
    externals = .allocate(capacity: externalCount)
    externals.initialize(repeating: arena.pointer, count: externalCount)
    control = RunControl()
    job = StageJob(control: control)
  }

  func fill(_ segment: Segment) {
    for (index, location) in segment.operands.enumerated() {
      operands[index] =
        switch location {
        case .arena(let offset): arena.pointer + offset
        case .external: arena.pointer
        case .constant(let address): UnsafeMutableRawPointer(bitPattern: address) ?? arena.pointer
        }
    }
    number = segment.number
  }

  deinit {
    operands.deallocate()
    externals.deallocate()
  }
}
