import PinionBase
import Synchronization

/// Times of node executions.
public final class Profile: Sendable {
  public struct Event: Sendable {
    public let node: String
    public let operatorName: String
    /// Nanoseconds of the monotonic clock.
    public let start: UInt64
    public let end: UInt64
  }

  /// Events beyond this many are counted in no list, so that an endless loop does not fill the memory.
  static let limit = 1_000_000
  private let recorded = Mutex<[Event]>([])

  public init() {}

  public func record(node: String, operator name: String, start: UInt64, end: UInt64) {
    recorded.withLock {
      if $0.count < Profile.limit { $0.append(Event(node: node, operatorName: name, start: start, end: end)) }
    }
  }

  public var events: [Event] { recorded.withLock { $0 } }
  public func reset() { recorded.withLock { $0.removeAll() } }
}
