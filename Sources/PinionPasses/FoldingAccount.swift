import PinionBackend
import PinionBase
import PinionTensor
import Synchronization

/// What the passes over one graph may still make beforehand: one account for all of them, in which everything counts that they compute of
/// constants, for as long as somebody holds it, and what is needed on the way.
///
/// What does not fit stays as it is in the graph, so that the runs compute it.
final class FoldingAccount: Sendable {
  /// A few seconds of products, in operations as estimates of plans count them.
  static let operationLimit = 1 << 38
  /// Bytes by which the constants of a graph may grow in all, and at one node.
  static let totalGrowth = 64 << 20
  static let nodeGrowth = 16 << 20
  /// What kernels may take beside their results where the session has no budget.
  private static let scratchBytes = 64 << 20

  /// Counts what is held against the session's byte budget.
  let control: RunControl
  private let operationsLeft = Atomic<Int>(operationLimit)
  private let grown = Atomic<Int>(0)
  /// What has been made of constants and is still there, by its memory.
  private let made = Lock<[ObjectIdentifier: MadeReference]>([:])

  /// - Parameter control: the limits of what waits for the graph.
  init(_ control: RunControl) { self.control = control.alongside() }

  /// False, with nothing taken, where there are not as many operations left.
  func take(operations: Int) -> Bool {
    let before = operationsLeft.load(ordering: .relaxed)
    guard operations <= before else { return false }
    operationsLeft.store(before &- max(operations, 0), ordering: .relaxed)
    return true
  }

  /// Bytes that the results of a node may take.
  /// - Parameter spared: the constants that nobody reads any more once the node is computed.
  func limit(sparing spared: [Tensor]) -> Int {
    let room = FoldingAccount.totalGrowth &- grown.load(ordering: .relaxed) &+ spared.reduce(0) { $0 &+ FoldedMemory.growth(of: $1) }
    return spared.reduce(0) { $0 &+ $1.byteCount } &+ max(min(FoldingAccount.nodeGrowth, room), 0)
  }

  /// What one node's computation counts against.
  /// - Parameter limit: bytes of its results.
  func controlOfNode(limit: Int) -> RunControl {
    guard control.limits.bytes == nil else { return control }
    var limits = control.limits
    limits.bytes = limit &+ FoldingAccount.scratchBytes
    return RunControl(limits)
  }

  /// Counts what a node takes while it is computed that nothing else counts, calls `body` and gives it back.
  func holding<Result>(_ bytes: Int, _ body: () throws(PinionError) -> Result) throws(PinionError) -> Result {
    guard control.limits.bytes != nil else { return try body() }
    try control.takeBytes(bytes)
    defer { control.giveBytes(bytes) }
    return try body()
  }

  /// Results of a node, which count for as long as somebody holds them.
  /// - Parameters:
  ///   - inputs: what they were computed from: what lies in it takes no memory of its own.
  ///   - spared: as for `limit(sparing:)`.
  /// - Throws: `.budgetExceeded` where they are more than `limit`.
  func hold(
    _ results: [Tensor], of inputs: [Tensor?], sparing spared: [Tensor], limit: Int, _ node: RunControl, allocator: Allocator
  ) throws(PinionError) -> [Tensor] {
    let isOwn = results.map { result in
      !(result.owner is Constant || result.owner is FoldedMemory || result.owner is MadeMemory || result.owner is FileMapping)
        && !inputs.contains { $0?.owner != nil && $0?.owner === result.owner }
    }
    var bytes = 0
    for (result, isOwn) in zip(results, isOwn) where isOwn { bytes = try bytes.adding(result.byteCount).adding(result.textBytes) }
    guard bytes <= limit else { throw PinionError(.budgetExceeded, "the results are too large") }
    let growth = spared.reduce(bytes) { $0 &- $1.byteCount &+ FoldedMemory.growth(of: $1) }
    let share = GrowthShare(max(growth, 0), self)
    var held: [Tensor] = []
    for (result, isOwn) in zip(results, isOwn) {
      if result.element == .string {
        // Elements may point into the inputs, but for those that own their text and are nobody else's.
        let isNew = result.ownsStrings && !inputs.contains { $0?.owner != nil && $0?.owner === result.owner }
        held.append(isNew ? result.keepingText(with: share) : try result.copyingStrings(allocator: allocator, control: node, maker: share))
      } else if isOwn {
        held.append(Tensor(result.type, data: result.data, owner: FoldedMemory(result.owner, share)))
      } else {
        held.append(result)
      }
    }
    return held
  }

  /// Whether the memory of a constant goes once nobody reads it: not while it is a part of another's, nor another a part of it.
  func mayBeSpared(_ constant: Tensor) -> Bool {
    if let folded = constant.owner as? FoldedMemory { return !folded.isViewed }
    return constant.owner is Constant || constant.owner is StringStorage
  }

  /// The elements of a constant in memory, which count once, for as long as somebody holds them, where they had to be made.
  /// - Throws: `.budgetExceeded`, `.outOfMemory`.
  func elements(of constant: Tensor) throws(PinionError) -> Tensor {
    let elements = try constant.resident(control)
    guard constant.constant != nil, let memory = elements.owner as? Buffer else { return elements }
    let key = ObjectIdentifier(memory)
    if let made = made.withLock({ $0[key]?.memory }) { return Tensor(elements.type, data: elements.data, owner: made) }
    try control.takeBytes(memory.byteCount)
    let made = MadeMemory(memory, control)
    self.made.withLock { $0[key] = MadeReference(memory: made) }
    return Tensor(elements.type, data: elements.data, owner: made)
  }

  /// A tensor of elements that lie in a constant from the byte `offset` on, which takes no memory of its own; nil for text and for nothing.
  /// It keeps all of the constant's memory, by which the constants have grown, once for all views, where it had to be made.
  /// - Parameter spared: as for `limit(sparing:)`.
  /// - Throws: `.budgetExceeded` where what had to be made does not fit.
  func view(_ type: TensorType, of constant: Tensor, at offset: Int, sparing spared: [Tensor]) throws(PinionError) -> Tensor? {
    guard constant.element != .string, type.byteCount > 0, offset >= 0, type.byteCount <= constant.byteCount - offset else { return nil }
    let whole = try elements(of: constant)
    var owner = whole.owner
    if let made = owner as? MadeMemory {
      if let folded = made.folded {
        owner = folded
      } else {
        guard made.bytes <= limit(sparing: spared) else { throw PinionError(.budgetExceeded, "the constant is too large") }
        let growth = spared.reduce(made.bytes) { $0 &- $1.byteCount &+ FoldedMemory.growth(of: $1) }
        let folded = FoldedMemory(made, GrowthShare(max(growth, 0), self))
        made.folded = folded
        owner = folded
      }
    }
    (owner as? FoldedMemory)?.isViewed = true
    return Tensor(type, data: whole.data + offset, owner: owner)
  }

  /// Memory for a constant that a rule makes in the place of another, counted like a result for as long as somebody holds it; nil where it
  /// does not fit, so that the rule does not apply.
  func constant(_ type: TensorType, allocator: Allocator) throws(PinionError) -> Tensor? {
    do throws(PinionError) {
      return try control.tensor(type, allocator: allocator)
    } catch {
      guard error.code == .budgetExceeded else { throw error }
      return nil
    }
  }

  /// The elements of a constant of which a rule makes another, as `elements(of:)` gives them; nil where they do not fit, so that the rule
  /// does not apply.
  func source(_ constant: Tensor) throws(PinionError) -> Tensor? {
    do throws(PinionError) { return try elements(of: constant) } catch {
      guard error.code == .budgetExceeded else { throw error }
      return nil
    }
  }

  fileprivate func grow(by bytes: Int) { grown.wrappingAdd(bytes, ordering: .relaxed) }
}

/// Bytes by which results of one node have made a graph's constants grow.
private final class GrowthShare: Sendable {
  let bytes: Int
  private let account: FoldingAccount

  init(_ bytes: Int, _ account: FoldingAccount) {
    self.bytes = bytes
    self.account = account
    account.grow(by: bytes)
  }

  deinit { account.grow(by: -bytes) }
}

/// Memory of a folded result.
// Unchecked: constants that keep memory alive which nobody writes to once the tensor is made.
private final class FoldedMemory: @unchecked Sendable {
  private let memory: AnyObject?
  private let share: GrowthShare
  /// Whether tensors lie in it that are parts of it. Only the thread that rewrites the graph looks at it.
  var isViewed = false

  init(_ memory: AnyObject?, _ share: GrowthShare) {
    self.memory = memory
    self.share = share
  }

  /// By how much the constants have grown with this one.
  static func growth(of constant: Tensor) -> Int {
    switch constant.owner {
    case let folded as FoldedMemory: folded.share.bytes
    case let text as StringStorage: (text.maker as? GrowthShare)?.bytes ?? 0
    default: 0
    }
  }
}

/// Elements that were made of a constant, which count against the byte budget for as long as somebody holds them.
// Unchecked: only the thread that rewrites the graph looks at what changes.
private final class MadeMemory: @unchecked Sendable {
  let bytes: Int
  private let memory: Buffer
  private let control: RunControl
  /// What all views of it share.
  weak var folded: FoldedMemory?

  init(_ memory: Buffer, _ control: RunControl) {
    bytes = memory.byteCount
    self.memory = memory
    self.control = control
  }

  deinit { control.giveBytes(bytes) }
}

private struct MadeReference: Sendable {
  weak var memory: MadeMemory?
}
