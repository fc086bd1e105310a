import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor
import Synchronization

/// How far a value is known while a plan is built.
enum Knowledge: Sendable {
  /// Not computed before the segment ends.
  case unknown
  case constant(Tensor)
  /// A tensor of this type will be there.
  case tensor(TensorType)
  /// A sequence, optional or map will be there.
  case other
}

/// Where an operand of a step lies.
enum Location: Sendable {
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

/// One stage of one node, ready to run.
struct Step: Sendable {
  let stage: Kernel.Stage
  let node: Int
  /// Index of the node's first operand in the workspace's table.
  let operands: Int
  let inputCount: Int
  let scratchOffset: Int
  let laneScratchOffset: Int
  let laneScratchBytes: Int
}

/// A value made by a segment that later ones read.
struct Crossing: Sendable {
  let value: ValueID
  let type: TensorType
  let location: Location
}

/// Steps at fixed addresses: walking them copies none and so counts no references.
final class StepTable: @unchecked Sendable {
  let first: UnsafeMutablePointer<Step>
  let count: Int

  init(_ steps: [Step]) {
    count = steps.count
    first = .allocate(capacity: max(count, 1))
    first.initialize(from: steps, count: count)
  }

  deinit {
    first.deinitialize(count: count)
    first.deallocate()
  }

  subscript(index: Int) -> Step { first[index] }
}

/// A planned stretch of a graph: steps over one arena, then perhaps a node whose output shapes only running it tells,
/// then the segment that follows for those shapes.
final class Segment: Sendable {
  let steps: StepTable
  let operands: [Location]
  /// Operands to fill in for each run: index, external, byte offset.
  let patches: ContiguousArray<(operand: Int, external: Int, offset: Int)>
  let externals: ContiguousArray<External>
  let crossings: [Crossing]
  let arenaBytes: Int
  /// The node to execute outside the plan after the steps, as an index of the graph.
  let eagerNode: Int?
  /// What is known after the steps.
  let knowledge: [Knowledge]
  /// Nodes that neither this segment nor earlier ones run, `eagerNode` not among them.
  let remaining: [Int]
  /// Types of each step's inputs, for error messages.
  let inputTypes: [Int: [TensorType?]]

  /// For a graph's only segment: the input or output that each external is, by position.
  let bindings: ContiguousArray<Binding>?

  /// Whether some stage has work for more than one thread.
  let isParallel: Bool

  private let idle = Mutex<[Workspace]>([])
  private let following = Mutex<[Signature: Segment]>([:])

  init(
    steps: [Step], operands: [Location], externals: ContiguousArray<External>, crossings: [Crossing], arenaBytes: Int,
    eagerNode: Int?, knowledge: [Knowledge], remaining: [Int], inputTypes: [Int: [TensorType?]], bindings: ContiguousArray<Binding>?
  ) {
    self.steps = StepTable(steps)
    self.operands = operands
    self.externals = externals
    self.crossings = crossings
    self.arenaBytes = arenaBytes
    self.eagerNode = eagerNode
    self.knowledge = knowledge
    self.remaining = remaining
    self.inputTypes = inputTypes
    self.bindings = bindings
    isParallel = steps.contains { $0.stage.tasks > 1 }
    var patches = ContiguousArray<(operand: Int, external: Int, offset: Int)>()
    for (index, location) in operands.enumerated() {
      if case .external(let external, let offset) = location { patches.append((index, external, offset)) }
    }
    self.patches = patches
  }

  /// A workspace that no other run uses.
  func takeWorkspace(allocator: Allocator) throws(PinionError) -> Workspace {
    if let workspace = idle.withLock({ $0.popLast() }) { return workspace }
    return try Workspace(self, allocator: allocator)
  }

  func giveBack(_ workspace: Workspace) { idle.withLock { $0.append(workspace) } }

  /// The segment that follows the eager node for these output types.
  func next(_ signature: Signature) -> Segment? { following.withLock { $0[signature] } }

  /// Remembers a following segment; the oldest shapes are forgotten wholesale when there are too many.
  func setNext(_ segment: Segment, for signature: Signature) {
    following.withLock {
      if $0.count >= 64 { $0.removeAll() }
      $0[signature] = segment
    }
  }

  /// Bytes held by idle workspaces, here and in all that follows.
  var idleBytes: Int {
    let own = idle.withLock { $0.count } &* arenaBytes
    return following.withLock { Array($0.values) }.reduce(own) { $0 &+ $1.idleBytes }
  }
}

/// Memory of one run of a segment: the arena, and the table of operand pointers into it.
final class Workspace: @unchecked Sendable {
  let arena: Buffer
  let operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let externals: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let control: RunControl
  let job: StageJob

  init(_ segment: Segment, allocator: Allocator) throws(PinionError) {
    arena = try allocator.buffer(bytes: segment.arenaBytes)
    operands = .allocate(capacity: max(segment.operands.count, 1))
    externals = .allocate(capacity: max(segment.externals.count, 1))
    externals.initialize(repeating: arena.pointer, count: max(segment.externals.count, 1))
    control = RunControl()
    job = StageJob(control: control)
    for (index, location) in segment.operands.enumerated() {
      let pointer: UnsafeMutableRawPointer =
        switch location {
        case .arena(let offset): arena.pointer + offset
        case .external: arena.pointer
        case .constant(let address): UnsafeMutableRawPointer(bitPattern: address) ?? arena.pointer
        }
      (operands + index).initialize(to: pointer)
    }
  }

  deinit {
    operands.deallocate()
    externals.deallocate()
  }
}

/// The types that decide a plan, flattened: element type, rank, extents of each tensor.
struct Signature: Hashable, Sendable {
  private(set) var numbers: [Int] = []

  mutating func append(_ type: TensorType) {
    numbers.append(Int(type.element.rawValue))
    numbers.append(type.rank)
    numbers.append(contentsOf: type.dims)
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

  init(_ values: [Value?]) { for value in values { append(value) } }
}
