import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Where an operand of a step lies.
enum Location: Equatable, Sendable {
  case arena(offset: Int)
  /// A tensor that exists apart from the plan: the entry of `Segment.externals`, and a byte offset into it.
  case external(Int, offset: Int)
  case constant(UInt)
}

/// Memory that a segment is given when it runs.
enum External: Sendable {
  /// The tensor that the run holds for this value.
  case value(ValueID)
  /// A new tensor, or the caller's, for this output of the graph.
  case output(ValueID, TensorType)
}

/// What the caller of a run gives for an external.
enum Binding: Sendable {
  case input(Int)
  case output(Int, TensorType)
}

/// What the caller of a run in place gives for all that lies outside the plan.
struct RunBindings {
  var externals = ContiguousArray<Binding>()
  /// Outputs that are no externals, by position, with their types.
  var passed: [(output: Int, type: TensorType, source: PassedOutput)] = []
  var givesText = false
}

/// Where an output lies that no step writes into memory of its own.
enum PassedOutput: Sendable {
  case constant(Tensor)
  case input(Int)
  /// The same value as an output before.
  case output(Int)
}

/// A value made by a segment that later ones read.
struct Crossing: Sendable {
  let value: ValueID
  let type: TensorType
  let location: Location
}

/// A planned stretch of a graph: steps over one arena, then perhaps a node whose output shapes only running it tells,
/// then the segment that follows for those shapes.
final class Segment: Sendable {
  typealias Patch = (operand: Int, external: Int, offset: Int)

  let steps: StepTable
  let operands: SharedTable<Location>
  /// Operands to fill in for each run: index, external, byte offset.
  let patches: ContiguousArray<Patch>
  let externals: ContiguousArray<External>
  let crossings: [Crossing]
  /// The node to execute outside the plan after the steps, as an index of the graph.
  let eagerNode: Int?
  /// Nodes that neither this segment nor earlier ones run, `eagerNode` not among them.
  let remaining: [Int]
  let record: PlanRecord
  /// For a graph's only segment: the input or output that each external is, by position. Captured values count as inputs behind the
  /// graph's own.
  let bindings: ContiguousArray<Binding>?
  /// Whether an output is text. Its elements then point into inputs, or into what the program's graph holds.
  let givesText: Bool
  /// Outputs that are no externals, by position, with their types.
  let passed: [(output: Int, type: TensorType, source: PassedOutput)]
  let workspaces: WorkspacePool
  /// Tells the segment from others with the same workspaces.
  let number: Int

  /// The steps' work, once a profile has asked for it.
  private let works = Lock<[StepWork]?>(nil)
  private let following: Lock<[Signature: Segment]> = Lock([:])
  /// What a segment that follows can be made from while there is none yet.
  private let followingBasis: Segment?
  /// Counts what the records of a segment take that follows another.
  private let counted = Lock<(any AnyObject & Sendable)?>(nil)
  /// Whether some stage has work for more than one thread.
  let isParallel: Bool

  init(
    steps: StepTable, operands: SharedTable<Location>, patches: ContiguousArray<Patch>, externals: ContiguousArray<External>, crossings: [Crossing],
    eagerNode: Int?, remaining: [Int], record: PlanRecord, bindings: RunBindings?, workspaces: WorkspacePool,
    following: Segment? = nil
  ) {
    self.steps = steps
    self.operands = operands
    self.patches = patches
    self.externals = externals
    self.crossings = crossings
    self.eagerNode = eagerNode
    self.remaining = remaining
    self.record = record
    self.bindings = bindings?.externals
    passed = bindings?.passed ?? []
    givesText = bindings?.givesText ?? false
    self.workspaces = workspaces
    number = workspaces.nextNumber()
    isParallel = steps.isParallel
    followingBasis = following
  }

  static func patches(_ operands: [Location]) -> ContiguousArray<Patch> {
    var patches = ContiguousArray<Patch>()
    for (index, location) in operands.enumerated() {
      if case .external(let external, let offset) = location { patches.append((index, external, offset)) }
    }
    return patches
  }

  var arenaBytes: Int { workspaces.arenaBytes }
  /// The work of each step.
  func works(of program: Program) -> [StepWork] {
    works.withLock { works in
      if let works { return works }
      let made = program.work(of: self)
      works = made
      return made
    }
  }

  /// What is known after the steps.
  var knowledge: KnowledgeTable { record.resolved.knowledge }

  /// Whether the segment has steps of that node.
  func places(_ node: Int) -> Bool {
    // Nodes are in the graph's order.
    let position = record.nodes.position(notBelow: node)
    return position < record.nodes.count && record.nodes[position] == node && record.layout.placedIndex[position] >= 0
  }

  /// The segment that follows the eager node for these output types.
  func next(_ signature: Signature) -> Segment? { following.withLock { $0[signature] } }

  /// A segment that follows for some types, to make one for others from.
  var anyFollowing: Segment? { following.withLock { $0.values.first } ?? followingBasis }

  private static let followingLimit = 512

  /// Remembers a following segment, where there is room for its records; the others are forgotten wholesale when there are too many, or
  /// when more is held than may be.
  func setNext(_ segment: Segment, for signature: Signature, _ account: MemoryAccount, _ control: RunControl) {
    account.shrink(keeping: segment.workspaces)
    let token = account.recordToken(segment.record.bytes)
    guard account.hasRoomForRecords(control) else { return }
    let isFirst = following.withLock {
      if $0.count >= Segment.followingLimit || account.bytes > account.limit { $0.removeAll() }
      $0[signature] = segment
      segment.counted.withLock { if $0 == nil { $0 = token } }
      return $0.count == 1
    }
    if isFirst { account.register(followed: self) }
  }

  /// Forgets the segments that follow, which later runs plan anew.
  func forgetFollowing() {
    // Those that nobody else holds go outside the lock.
    let forgotten = following.withLock { segments in
      defer { segments = [:] }
      return segments
    }
    withExtendedLifetime(forgotten) {}
  }
}

/// The types that decide a plan, flattened: element type, rank, extents of each tensor.
struct Signature: Hashable, Sendable {
  private(set) var numbers: [Int] = []

  mutating func append(_ number: Int) { numbers.append(number) }

  mutating func append(_ type: TensorType) {
    numbers.append(Int(type.element.rawValue))
    numbers.append(type.rank)
    for extent in type.dims { numbers.append(extent) }
  }

  mutating func append(_ value: Value?) {
    switch value {
    case .tensor(let tensor)?: append(tensor.type)
    case nil: numbers.append(-1)
    case .sequence?: numbers.append(-2)
    case .none?: numbers.append(-3)
    case .map?: numbers.append(-4)
    }
  }

  /// - Parameter count: how many values are to be appended.
  init(count: Int) { numbers.reserveCapacity(count &* 6) }

  init(_ values: [Value?]) {
    self.init(count: values.count)
    for value in values { append(value) }
  }
}
