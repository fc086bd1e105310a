import PinionBase
import Synchronization

/// Times of node executions: sums by node over all runs, and the last run's in order.
public final class Profile: Sendable {
  public struct Event: Sendable {
    public let node: String
    public let operatorName: String
    /// Nanoseconds of the monotonic clock.
    public let start: UInt64
    public let end: UInt64
  }

  public struct Sum: Sendable {
    public let node: String
    public let operatorName: String
    public var calls: Int
    public var nanoseconds: UInt64
  }

  /// Nodes that planning met, over all plans and runs.
  public struct Planning: Sendable {
    /// Types inferred and kernels made.
    public var made = 0
    /// Taken over from an earlier plan, since all operands had the same types.
    public var kept = 0
  }

  private struct State {
    var runs = 0
    var planning = Planning()
    var events: [Event] = []
    var sums: [Sum] = []
    var indices: [String: Int] = [:]
  }

  /// Events of one run beyond this many are only summed up, so that an endless loop does not fill the memory.
  static let limit = 200_000
  private let state = Mutex(State())

  public init() {}

  func beginRun() {
    state.withLock {
      $0.runs += 1
      $0.events.removeAll(keepingCapacity: true)
    }
  }

  func record(node: String, operator name: String, start: UInt64, end: UInt64) {
    state.withLock { state in
      if state.events.count < Profile.limit { state.events.append(Event(node: node, operatorName: name, start: start, end: end)) }
      let key = node + "\u{0}" + name
      let index: Int
      if let known = state.indices[key] {
        index = known
      } else {
        index = state.sums.count
        state.sums.append(Sum(node: node, operatorName: name, calls: 0, nanoseconds: 0))
        state.indices[key] = index
      }
      state.sums[index].calls += 1
      state.sums[index].nanoseconds &+= end &- start
    }
  }

  func recordPlanning(made: Int, kept: Int) {
    state.withLock {
      $0.planning.made &+= made
      $0.planning.kept &+= kept
    }
  }

  public var planning: Planning { state.withLock { $0.planning } }
  public var runs: Int { state.withLock { $0.runs } }
  public var lastRun: [Event] { state.withLock { $0.events } }
  /// One entry for each node, in the order of first execution.
  public var sums: [Sum] { state.withLock { $0.sums } }
  public func reset() { state.withLock { $0 = State() } }
}
