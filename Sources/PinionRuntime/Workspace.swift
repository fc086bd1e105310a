import PinionBackend
import PinionBase
import Synchronization

/// Idle workspaces of segments that lie alike in memory.
final class WorkspacePool: Sendable {
  let arenaBytes: Int
  private let account: MemoryAccount
  private let idle = Lock<[Workspace]>([])
  private let numbers = Atomic<Int>(0)
  private let made = Atomic<Bool>(false)
  private let used = Atomic<Int>(0)
  /// The number of the run in which its memory went to another plan; -1: none did.
  private let lent = Atomic<Int>(-1)
  /// How often it was wanted back a few runs after that.
  private let missed = Atomic<Int>(0)

  init(arenaBytes: Int, account: MemoryAccount) {
    self.arenaBytes = arenaBytes
    self.account = account
    account.register(self)
  }

  func nextNumber() -> Int { numbers.wrappingAdd(1, ordering: .relaxed).newValue }

  /// A workspace that no other run uses, with the segment's operands. Its bytes count against the run's budget until it is given back.
  /// - Parameter isAhead: whether it is made ready for runs to come: it stays this plan's.
  func take(for segment: Segment, allocator: Allocator, control: RunControl?, isAhead: Bool = false) throws(PinionError) -> Workspace {
    // Out of the idle memory before the budget is asked: it would count twice.
    let free = popIdle()
    if isAhead { missed.store(WorkspacePool.mostMissed, ordering: .relaxed) }
    let other = free == nil ? otherArena(control, isAhead: isAhead) : nil
    do throws(PinionError) { try control?.takeBytes(arenaBytes) } catch {
      if let free { giveBack(free) }
      throw error
    }
    let workspace: Workspace
    if let free {
      workspace = free
    } else {
      let arena: Buffer
      do throws(PinionError) {
        if let other { arena = other } else {
          // Room for plans that need a little more, of which nothing is touched before.
          let isLarge = arenaBytes >= 1024 && arenaBytes < Int.max / 4 && allocator.isSystem
          arena = try allocator.buffer(bytes: isLarge ? RecycledMemory.rounded(arenaBytes) : arenaBytes)
        }
      } catch {
        control?.giveBytes(arenaBytes)
        throw error
      }
      workspace = Workspace(segment, arena: arena)
      made.store(true, ordering: .relaxed)
    }
    if workspace.number != segment.number { workspace.fill(segment) }
    return workspace
  }

  private func otherArena(_ control: RunControl?, isAhead: Bool) -> Buffer? {
    let lent = lent.load(ordering: .relaxed)
    if lent >= 0, account.runCount &- lent <= WorkspacePool.soon { missed.wrappingAdd(1, ordering: .relaxed) }
    // Another plan's arena may be larger than what is counted, so that a run with a budget takes none but where it has to.
    let stays = isAhead || control?.limits.bytes != nil
    return account.arena(bytes: arenaBytes, isWanted: control?.needsIdle(for: arenaBytes) ?? false, lastStays: stays)
  }

  /// Gives idle memory to another plan, unless it was wanted back soon after that before, as that of plans which run in turn is, or in each run.
  func lend(_ bytes: ClosedRange<Int>) -> Workspace? {
    guard missed.load(ordering: .relaxed) < WorkspacePool.mostMissed, let found = popIdle(where: { bytes.contains($0.arena.byteCount) }) else {
      return nil
    }
    lent.store(account.runCount, ordering: .relaxed)
    return found
  }

  private static let soon = 8
  private static let mostMissed = 2

  /// Gives a workspace back that a run had.
  func giveBack(_ workspace: Workspace, control: RunControl?) {
    control?.giveBytes(arenaBytes)
    giveBack(workspace)
    control?.leftIdle()
  }

  private func giveBack(_ workspace: Workspace) {
    used.store(account.tick(), ordering: .relaxed)
    account.ran(self)
    account.addIdle(workspace.byteCount)
    idle.withLock { $0.append(workspace) }
    if account.bytes > account.limit { account.shrink(keeping: self) }
  }

  /// Takes an idle workspace out, off the account as well.
  func popIdle() -> Workspace? {
    guard let workspace = idle.withLock({ $0.popLast() }) else { return nil }
    account.takeIdle(workspace.byteCount)
    return workspace
  }

  func popIdle(where condition: (Workspace) -> Bool) -> Workspace? {
    let found = idle.withLock { idle in idle.lastIndex(where: condition).map { idle.remove(at: $0) } }
    if let found { account.takeIdle(found.byteCount) }
    return found
  }

  /// Whether a workspace was ever made.
  var hasMade: Bool { made.load(ordering: .relaxed) }
  /// When the last workspace was given back, by the account's clock.
  var lastUse: Int { used.load(ordering: .relaxed) }
  var idleCount: Int { idle.withLock { $0.count } }

  deinit { while popIdle() != nil {} }
}

/// Memory of one run of a segment: the arena, and the table of operand pointers into it. One run has it at a time, so that it may go from
/// thread to thread unlocked.
final class Workspace: @unchecked Sendable {
  let arena: Buffer
  let operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let externals: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let control: RunControl
  let job: StageJob
  /// Of the arena and the tables.
  let byteCount: Int
  /// The segment whose operands are in the table.
  private(set) var number = 0
  /// What is in the table.
  private var filled = SharedTable<Location>()

  /// - Parameter arena: of `segment.arenaBytes` at least.
  init(_ segment: Segment, arena: Buffer) {
    self.arena = arena
    let operandCount = max(segment.operands.count, 1), externalCount = max(segment.externals.count, 1)
    operands = .allocate(capacity: operandCount)
    operands.initialize(repeating: arena.pointer, count: operandCount)
    externals = .allocate(capacity: externalCount)
    externals.initialize(repeating: arena.pointer, count: externalCount)
    control = RunControl()
    job = StageJob(control: control)
    byteCount = arena.byteCount &+ (operandCount &+ externalCount) &* MemoryLayout<UnsafeMutableRawPointer>.stride
  }

  /// Writes the segment's operands; only those that are not the last segment's, where the tables have much in common.
  func fill(_ segment: Segment) {
    let filled = segment.operands
    if filled.sharesBase(with: self.filled) {
      self.filled.forEachOwn { index, _ in operands[index] = pointer(filled.shared(at: index)) }
      filled.forEachOwn { index, location in operands[index] = pointer(location) }
    } else {
      for index in filled.indices { operands[index] = pointer(filled[index]) }
    }
    self.filled = filled
    number = segment.number
  }

  private func pointer(_ location: Location) -> UnsafeMutableRawPointer {
    switch location {
    case .arena(let offset): arena.pointer + offset
    case .external: arena.pointer
    case .constant(let address): UnsafeMutableRawPointer(bitPattern: address) ?? arena.pointer
    }
  }

  deinit {
    operands.deallocate()
    externals.deallocate()
  }
}
