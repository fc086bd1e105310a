import PinionBase
import Synchronization

/// The bytes that the states of one session hold.
final class StateAccount: Sendable {
  private let limit: Int?
  private let inUse = Atomic<Int>(0)

  /// - Parameter limit: the most bytes; nil for any.
  init(limit: Int?) { self.limit = limit }

  var bytes: Int { inUse.load(ordering: .relaxed) }

  func take(_ count: Int) throws(PinionError) {
    let (sum, overflow) = inUse.wrappingAdd(count, ordering: .relaxed).oldValue.addingReportingOverflow(count)
    guard !overflow, sum <= limit ?? .max else {
      give(count)
      throw PinionError(.budgetExceeded, "the session's states would hold \(sum) bytes and its budget is \(limit ?? .max)")
    }
  }

  func give(_ count: Int) { inUse.wrappingSubtract(count, ordering: .relaxed) }
}

/// Memory of a state, on its session's account as long as it is there.
// Unchecked: only the state that holds it, or the run that has that state, reads and writes the memory.
final class StateMemory: @unchecked Sendable {
  let data: UnsafeMutableRawPointer
  let byteCount: Int
  private let owner: AnyObject?
  private let account: StateAccount

  /// Uninitialised memory.
  init(bytes: Int, allocator: Allocator, account: StateAccount) throws(PinionError) {
    try account.take(bytes)
    do {
      let buffer = try allocator.buffer(bytes: bytes)
      data = buffer.pointer
      owner = buffer
    } catch {
      account.give(bytes)
      throw error
    }
    byteCount = bytes
    self.account = account
  }

  /// Memory that a run has made.
  init(adopting data: UnsafeMutableRawPointer, bytes: Int, owner: AnyObject?, account: StateAccount) throws(PinionError) {
    try account.take(bytes)
    self.data = data
    self.owner = owner
    byteCount = bytes
    self.account = account
  }

  deinit { account.give(byteCount) }
}
