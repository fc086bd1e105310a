import PinionBase
import PinionImport
import PinionTensor

/// The contents of the buffers that a model writes to, which a session keeps from run to run.
///
/// Runs read one set of tensors and write another, which then takes its place: a run that fails or is cancelled leaves the contents as
/// they were. One run at a time, be it with a `State` or without.
///
/// Not a `State`, although what a state replaces takes turns in two blocks of memory as well: buffers are the session's, a run names none
/// of them, there is one set, and it begins with the contents of the file, which lie there without a copy and which nobody may write to;
/// states are the caller's, as many as there are sequences, begin with nothing, grow, go back and are copied. What both share is the account
/// of their bytes, and a run with a state takes the buffers in (`StateRun`).
public final class SessionBuffers: Sendable {
  public let names: [String]
  private let stored: [Tensor]
  private let state: Lock<State>

  private struct State {
    var current: [Tensor]
    /// Memory for the next contents; nil where the stored contents, which nothing may write to, were the last.
    var spare: [Tensor?]
    var isOwned: Bool
    var isRunning = false
  }

  private let account: StateAccount

  init(_ model: ImportedModel, _ account: StateAccount) {
    self.account = account
    var names: [String] = [], stored: [Tensor] = []
    for pair in model.carried {
      let (name, value) = model.overridable[pair.input]
      guard let tensor = model.graph.constants[value] else { continue }
      names.append(name)
      stored.append(tensor)
    }
    self.names = names
    self.stored = stored
    state = Lock(State(current: stored, spare: [Tensor?](repeating: nil, count: stored.count), isOwned: false))
  }

  private func begin() throws(PinionError) -> State {
    let before: State? = state.withLock { state in
      if state.isRunning { return nil }
      state.isRunning = true
      return state
    }
    guard let before else { throw .invalidArgument("the session keeps buffers, and another run of it is in progress; one run at a time") }
    return before
  }

  /// Runs one step from the contents to the next.
  func step<Result>(
    _ body: (_ current: [Tensor], _ spare: [Tensor?]) throws(PinionError) -> (Result, next: [Tensor])
  ) throws(PinionError) -> Result {
    let before = try begin()
    do throws(PinionError) {
      let (result, next) = try body(before.current, before.spare)
      state.withLock {
        $0 = State(
          current: next, spare: before.isOwned ? before.current.map(Optional.some) : [Tensor?](repeating: nil, count: next.count), isOwned: true)
      }
      return result
    } catch {
      state.withLock { $0.isRunning = false }
      throw error
    }
  }

  /// What a run gives as the next contents, on the session's account where it is not the memory that the run was given for it.
  func next(_ results: some Sequence<Value>, in spare: [Tensor?]) throws(PinionError) -> [Tensor] {
    var next: [Tensor] = []
    for (result, spare) in zip(results, spare) {
      let tensor = try result.asTensor()
      if let spare, spare.data == tensor.data, spare.type == tensor.type {
        next.append(spare)
      } else {
        next.append(try counted(tensor))
      }
    }
    return next
  }

  private func counted(_ tensor: Tensor) throws(PinionError) -> Tensor {
    let memory = try StateMemory(adopting: tensor.data, bytes: tensor.byteCount, owner: tensor.owner, account: account)
    return Tensor(tensor.type, data: tensor.data, owner: memory)
  }

  /// A copy of a buffer's contents.
  public func contents(_ index: Int, allocator: Allocator = .system) throws(PinionError) -> Tensor {
    let before = try begin()
    defer { state.withLock { $0.isRunning = false } }
    guard before.current.indices.contains(index) else { throw PinionError(.notFound, "the model has no buffer \(index) that it writes to") }
    return try before.current[index].copy(allocator: allocator)
  }

  /// Sets a buffer's contents.
  public func set(_ index: Int, to tensor: Tensor, allocator: Allocator = .system) throws(PinionError) {
    guard stored.indices.contains(index) else { throw PinionError(.notFound, "the model has no buffer \(index) that it writes to") }
    guard tensor.type == stored[index].type else {
      throw .invalidShape("buffer '\(names[index])' is \(stored[index].type), not \(tensor.type)")
    }
    let copy = try counted(try tensor.copy(allocator: allocator))
    var next = try begin()
    next.current[index] = copy
    next.spare = [Tensor?](repeating: nil, count: stored.count)
    next.isOwned = false
    next.isRunning = false
    state.withLock { [next] in $0 = next }
  }

  /// Goes back to the contents that the model's file has.
  public func reset() throws(PinionError) {
    _ = try begin()
    state.withLock { $0 = State(current: stored, spare: [Tensor?](repeating: nil, count: stored.count), isOwned: false) }
  }
}
