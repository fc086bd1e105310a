import PinionBase
import PinionTensor

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
    /// Of a node that holds graphs, with all that runs inside it.
    public var nanoseconds: UInt64
    /// Without what runs inside: these of all nodes together are the time in nodes.
    package var ownNanoseconds: UInt64
    /// Arithmetic operations of all calls, a multiplication with an addition counted as two; for elementwise nodes the elements made.
    package var operations: Int
    /// Bytes of inputs and outputs of all calls, weights among them.
    package var bytes: Int
    /// What the kernel is called that the last plan chose; empty where the operator has only one.
    package var kernel: String
    /// The element type of the first input.
    package var element: ElementType?
    /// Numbers of the values that the node last read and made: which nodes follow which. Only within one graph.
    package var inputs: [Int]
    package var outputs: [Int]
    /// How many nodes with graphs it lies in.
    package var depth: Int
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
    var runNanoseconds: UInt64 = 0
    var recording: UInt64 = 0
    var planning = Planning()
    var events: [Event] = []
    var sums: [Sum] = []
    var indices: [String: Int] = [:]
  }

  /// Events of one run beyond this many are only summed up, so that an endless loop does not fill the memory.
  static let limit = 200_000
  private let state = Lock(State())

  public init() {}

  func beginRun() {
    state.withLock {
      $0.runs += 1
      $0.events.removeAll(keepingCapacity: true)
    }
  }

  func endRun(nanoseconds: UInt64) { state.withLock { $0.runNanoseconds &+= nanoseconds } }

  /// - Parameters:
  ///   - inside: nanoseconds of what ran inside the node.
  ///   - depth: how many nodes with graphs the node lies in.
  func record(node: String, operator name: String, start: UInt64, end: UInt64, inside: UInt64 = 0, depth: Int = 0, _ work: StepWork) {
    state.withLock { state in
      if state.events.count < Profile.limit { state.events.append(Event(node: node, operatorName: name, start: start, end: end)) }
      let key = node + "\u{0}" + name
      let index: Int
      if let known = state.indices[key] {
        index = known
      } else {
        index = state.sums.count
        state.sums.append(
          Sum(
            node: node, operatorName: name, calls: 0, nanoseconds: 0, ownNanoseconds: 0, operations: 0, bytes: 0, kernel: "", element: nil, inputs: [],
            outputs: [], depth: depth))
        state.indices[key] = index
      }
      let time = end &- start
      state.sums[index].nanoseconds &+= time
      state.sums[index].ownNanoseconds &+= time > inside ? time &- inside : 0
      if work.isFirst {
        state.sums[index].calls += 1
        state.sums[index].operations = state.sums[index].operations.addingSaturating(work.operations)
        state.sums[index].bytes = state.sums[index].bytes.addingSaturating(work.bytes)
        state.sums[index].kernel = work.kernel
        state.sums[index].element = work.element
        state.sums[index].inputs = work.inputs
        state.sums[index].outputs = work.outputs
      }
      state.recording &+= monotonicNanoseconds() &- end
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
  /// Nanoseconds of all runs, without what recording took.
  package var runNanoseconds: UInt64 { state.withLock { $0.runNanoseconds > $0.recording ? $0.runNanoseconds &- $0.recording : 0 } }
  /// Nanoseconds in nodes, each counted once.
  package var nodeNanoseconds: UInt64 { state.withLock { $0.sums.reduce(0) { $0 &+ $1.ownNanoseconds } } }
  public var lastRun: [Event] { state.withLock { $0.events } }
  /// One entry for each node, in the order of first execution.
  public var sums: [Sum] { state.withLock { $0.sums } }
  public func reset() { state.withLock { $0 = State() } }
}
