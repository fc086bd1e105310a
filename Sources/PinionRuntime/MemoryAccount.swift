import PinionBackend
import PinionBase
import Synchronization

/// What a session holds between runs besides weights: idle memory of runs and of large results, constants that plans made for themselves,
/// and programs for other inputs and outputs, for a state and for known branches.
///
/// All programs of a session, those of subgraphs and of known branches among them, have one account. Where it holds more than its limit,
/// the idle memory that was used longest ago goes back to the allocator; the last one to be given back stays in any case, so that runs
/// of one plan need not ask for it each time. A plan that finds no idle memory of its own takes that of the plan that ran last, as plans
/// for extents that grow do, or another's rather than have more than the limit.
package final class MemoryAccount: IdleMemory {
  let limit: Int
  private let held = Atomic<Int>(0)
  /// Bytes of those held that records of plans take which follow one another, or of which there are many.
  private let records = Atomic<Int>(0)
  /// How many workspaces are idle.
  private let idle = Atomic<Int>(0)
  private let clock = Atomic<Int>(0)
  private let runs = Atomic<Int>(0)
  private let pools = Lock<[WeakPool]>([])
  /// Plans that others follow, those behind an earlier one later.
  private let followed = Lock<[WeakSegment]>([])

  /// That of the plan that ran last, and where it lies.
  private let last = Lock<WeakPool>(WeakPool())
  private let placeOfLast = Atomic<UInt>(0)

  private struct WeakPool { weak var pool: WorkspacePool? }
  private struct WeakSegment { weak var segment: Segment? }

  /// Memory of results that their holders have let go of.
  let results: RecycledMemory

  /// - Parameter limit: in bytes.
  package init(limit: Int) {
    self.limit = limit
    results = RecycledMemory(limit: limit / 4)
    results.count(with: self, limit: limit)
  }

  deinit { results.close() }

  /// Whether no more is held than the limit.
  package var isWithinLimit: Bool { bytes <= limit }

  /// Whether there is room for more records of plans that follow one another. There is one for each node outside a plan, each of which
  /// knows of all nodes behind it: of very many the later ones are made anew in each run.
  func hasRoomForRecords(_ control: RunControl) -> Bool { hasRoomForRecords && !control.needsIdle(for: 0) }

  /// Whether there is room for more records of plans.
  var hasRoomForRecords: Bool { records.load(ordering: .relaxed) <= max(limit / 4, MemoryAccount.leastRecords) }

  private static let leastRecords = 1 << 20

  /// Bytes that are held.
  package var bytes: Int { held.load(ordering: .relaxed).addingSaturating(results.bytes) }

  func add(_ bytes: Int) { held.wrappingAdd(bytes, ordering: .relaxed) }
  func take(_ bytes: Int) { held.wrappingSubtract(bytes, ordering: .relaxed) }

  /// Counts a workspace that is idle from now on, and one that is no longer.
  func addIdle(_ bytes: Int) {
    add(bytes)
    idle.wrappingAdd(1, ordering: .relaxed)
  }
  func takeIdle(_ bytes: Int) {
    take(bytes)
    idle.wrappingSubtract(1, ordering: .relaxed)
  }

  /// Whether so much is idle, of so many plans, that one more takes another's memory.
  private var isMuchIdle: Bool {
    idle.load(ordering: .relaxed) >= MemoryAccount.manyIdle && held.load(ordering: .relaxed) &- records.load(ordering: .relaxed) > MemoryAccount.muchIdle
  }

  private static let manyIdle = 16
  private static let muchIdle = 32 << 20

  /// A number that grows with each call.
  func tick() -> Int { clock.wrappingAdd(1, ordering: .relaxed).newValue }

  func register(_ pool: WorkspacePool) {
    pools.withLock { pools in
      // Those that are gone leave when there are twice as many as there were.
      if pools.count == pools.capacity { pools.removeAll { $0.pool == nil } }
      pools.append(WeakPool(pool: pool))
    }
  }

  /// How many runs have begun, of what runs within them not.
  var runCount: Int { runs.load(ordering: .relaxed) }
  func countRun() { runs.wrappingAdd(1, ordering: .relaxed) }

  /// Takes note of the plan that ran last.
  func ran(_ pool: WorkspacePool) {
    let place = UInt(bitPattern: Unmanaged.passUnretained(pool).toOpaque())
    guard placeOfLast.load(ordering: .relaxed) != place else { return }
    placeOfLast.store(place, ordering: .relaxed)
    last.withLock { $0 = WeakPool(pool: pool) }
  }

  /// Idle memory of another plan, an arena that is large enough and not much larger: that of the plan that ran last, or, where memory of so
  /// many bytes would be more than the limit or there is much already, any plan's, or else none once as much has been given back.
  /// - Parameters:
  ///   - isWanted: whether the run's own budget has no room for more beside what it has left idle.
  ///   - lastStays: leaves the plan that ran last what it has.
  func arena(bytes: Int, isWanted: Bool, lastStays: Bool) -> Buffer? {
    let most = bytes.addingSaturating(bytes).addingSaturating(1 << 16)
    if !lastStays, let found = last.withLock({ $0.pool })?.lend(bytes...most) { return found.arena }
    let isOver = isWanted || self.bytes.addingSaturating(bytes) > limit
    guard isOver || isMuchIdle else { return nil }
    let pools = byAge()
    for pool in pools {
      if let found = pool.popIdle(where: { (bytes...most).contains($0.arena.byteCount) }) { return found.arena }
    }
    if isOver { shrink(by: bytes, keeping: nil) } else { _ = pools.first { $0.popIdle() != nil } }
    return nil
  }

  /// Gives idle memory back until no more is held than the limit.
  func shrink(by room: Int = 0, keeping last: WorkspacePool?) {
    guard bytes.addingSaturating(room) > limit else { return }
    shrinkResults(to: limit &- min(room, limit))
    for pool in byAge() {
      while bytes.addingSaturating(room) > limit, pool !== last || pool.idleCount > 1, pool.popIdle() != nil {}
      if bytes.addingSaturating(room) <= limit { return }
    }
  }

  /// Gives memory of results back until no more than so many bytes are held, if it is as much.
  private func shrinkResults(to bytes: Int) { results.shrink(to: max(bytes &- held.load(ordering: .relaxed), 0)) }

  package func shrink(to bytes: Int) {
    shrinkResults(to: bytes)
    for pool in byAge() { while self.bytes > bytes, pool.popIdle() != nil {} }
    guard self.bytes > bytes, records.load(ordering: .relaxed) > 0 else { return }
    // The last ones first, which no others follow: what is left is the beginning of each run.
    for segment in followed.withLock({ $0.compactMap(\.segment) }).reversed() {
      segment.forgetFollowing()
      if self.bytes <= bytes { return }
    }
  }

  /// Takes note of a plan that another follows whose records count here.
  func register(followed segment: Segment) {
    followed.withLock { list in
      if list.count == list.capacity { list.removeAll { $0.segment == nil } }
      list.append(WeakSegment(segment: segment))
    }
  }

  /// Those used longest ago first.
  private func byAge() -> [WorkspacePool] {
    let all = pools.withLock { $0.compactMap(\.pool) }
    return all.map { ($0, $0.lastUse) }.sorted { $0.1 < $1.1 }.map(\.0)
  }

  /// Counts bytes for as long as somebody holds the result.
  func token(_ bytes: Int) -> any AnyObject & Sendable { HeldBytes(bytes, self, areRecords: false) }

  /// The same for records of a plan that follows another.
  func recordToken(_ bytes: Int) -> any AnyObject & Sendable { HeldBytes(bytes, self, areRecords: true) }

  private final class HeldBytes: Sendable {
    let bytes: Int
    let account: MemoryAccount
    let areRecords: Bool
    init(_ bytes: Int, _ account: MemoryAccount, areRecords: Bool) {
      self.bytes = bytes
      self.account = account
      self.areRecords = areRecords
      account.add(bytes)
      if areRecords { account.records.wrappingAdd(bytes, ordering: .relaxed) }
    }
    deinit {
      account.take(bytes)
      if areRecords { account.records.wrappingSubtract(bytes, ordering: .relaxed) }
    }
  }
}
