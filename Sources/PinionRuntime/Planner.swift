import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// What a plan was made from, so that the plan for other shapes need not be made anew.
struct PlanRecord: Sendable {
  let nodes: [Int]
  let resolved: ResolutionRecord
  /// Bytes that are written to each block.
  let sizes: [Int]
  let layout: PlanLayout

  /// About as many bytes as it takes that another does not share.
  var bytes: Int {
    nodes.count &* 32 &+ resolved.outcomes.bytes &+ resolved.knowledge.bytes &+ sizes.count &* 32 &+ layout.placed.count &* 512
  }
}

/// Who lies where in a plan, and in those that are made from it.
final class PlanLayout: Sendable {
  struct Copy: Sendable {
    let output: ValueID
    let step: Int
  }

  let placed: [PlacedNode]
  /// For each position of the nodes, the index in `placed`, or -1.
  let placedIndex: [Int]
  /// For each entry of `placed`, its first step and its first operand.
  let firstSteps: [Int]
  let firstOperands: [Int]
  /// Bytes that the blocks of the arena hold at most, and where they start.
  let capacities: [Int]
  let offsets: [Int]
  /// Blocks that lie in the memory of an output: the entry in the segment's `externals`.
  let moved: [Int: Int]
  let copies: [Copy]

  init(
    placed: [PlacedNode], placedIndex: [Int], firstSteps: [Int], firstOperands: [Int], capacities: [Int], offsets: [Int], moved: [Int: Int],
    copies: [Copy]
  ) {
    self.placed = placed
    self.placedIndex = placedIndex
    self.firstSteps = firstSteps
    self.firstOperands = firstOperands
    self.capacities = capacities
    self.offsets = offsets
    self.moved = moved
    self.copies = copies
  }
}

/// A plan that a run's deadline or cancellation has ended, for the next run that wants the same: what is resolved need not be resolved
/// again, so that runs with one deadline get further each time.
struct InterruptedPlan: Sendable {
  let nodes: [Int]
  let initial: KnowledgeTable
  let basis: Segment?
  let progress: Resolution.Progress
  /// What the next try may do of what is not kept: see `BuildPoll`.
  let grace: Int
}

extension KnowledgeTable {
  /// Whether the same is known of each value.
  func isSame(as other: KnowledgeTable) -> Bool {
    count == other.count && differences(from: other, allSatisfy: { self[$0].isSame(as: other[$0]) })
  }
}

extension Program {
  /// The interrupted plan for these nodes, where there is one for what is known of the values; nobody else gets it then.
  func takeInterrupted(_ nodes: [Int], _ knowledge: KnowledgeTable, _ control: RunControl?) -> InterruptedPlan? {
    interrupted.withLock { plan in
      guard let found = plan, found.progress.serves(control), found.nodes == nodes, found.initial.isSame(as: knowledge) else { return nil }
      plan = nil
      return found
    }
  }

  func keep(_ plan: InterruptedPlan) { interrupted.withLock { $0 = plan } }
}

/// Builds one segment of a graph's plan, in phases: resolve types, values and kernels; place values in memory; lay out the arena; lower
/// to steps.
struct Planner {
  let program: Program
  /// Leaves kernels out: for questions about shapes and memory only.
  var isDry = false
  /// Goes on behind a node that fails, whose outputs then stay unknown.
  var skipsFailures = false
  /// The run that waits for the plan.
  var control: RunControl?
  /// Where planning is counted.
  var profile: Profile?
  /// What nodes that are computed while planning count against, where that is not the plan's own account.
  var folding: RunControl?

  /// Plans as many of `nodes`, in order, as can be planned with what is known.
  /// - Parameters:
  ///   - basis: a plan for the same nodes under other types, of which as much is kept as holds.
  ///   - given: the values of which other things may be known than when the basis was made; nil for any.
  ///   - shortBudget: where what led here was short of room: see `Resolution.shortBudget`.
  func segment(
    nodes: [Int], knowledge: KnowledgeTable, basis: Segment? = nil, given: [ValueID]? = nil, shortBudget: Int? = nil
  ) throws(PinionError) -> Segment {
    var basis = basis.flatMap { isDry || !$0.record.resolved.serves(control) || $0.record.nodes != nodes ? nil : $0 }
    var initial = knowledge
    let interrupted = isDry ? nil : program.takeInterrupted(nodes, knowledge, control)
    let grace = interrupted?.grace ?? 0
    var resolution = Resolution(
      program, knowledge: knowledge, isDry: isDry, skipsFailures: skipsFailures, control: control, folding: folding, grace: grace)
    resolution.fallShort(of: shortBudget)
    if let interrupted {
      (basis, initial) = (interrupted.basis, interrupted.initial)
      resolution.resume(interrupted.progress)
    }
    let made = resolution.changed.count
    var poll = BuildPoll(control, grace: grace)
    func keep(_ resolution: Resolution, _ error: PinionError, grace: Int) {
      guard !isDry, error.code == .deadlineExceeded || error.code == .cancelled else { return }
      program.keep(InterruptedPlan(nodes: nodes, initial: initial, basis: basis, progress: resolution.progress, grace: grace))
    }
    do throws(PinionError) { try resolution.resolve(nodes, basis: basis?.record.resolved, given: given) } catch {
      if error.isOfLimits, !isDry { profile?.recordPlanning(made: resolution.changed.count - made, kept: 0) }
      keep(resolution, error, grace: resolution.nextGrace)
      throw error
    }
    profile?.recordPlanning(made: resolution.changed.count - made, kept: nodes.count - resolution.changed.count)
    do throws(PinionError) {
      if let basis, let revised = try revise(basis, resolution, initial: initial) { return revised }
      return try build(nodes, resolution, initial: initial, isRevision: basis != nil, &poll)
    } catch {
      keep(resolution, error, grace: poll.nextGrace)
      throw error
    }
  }

  private func build(
    _ nodes: [Int], _ resolution: Resolution, initial: KnowledgeTable, isRevision: Bool, _ poll: inout BuildPoll
  ) throws(PinionError) -> Segment {
    let placement = try Placement(nodes, resolution, &poll)
    var blocks = placement.blocks
    let sizes = blocks.map(\.bytes)
    for block in placement.moved.keys { blocks[block] = .unused() }
    // Shapes that have changed once will change again: room to grow makes this layout hold for the next ones.
    if isRevision { for index in blocks.indices where blocks[index].isUsed { blocks[index].bytes = blocks[index].bytes.withRoomToGrow } }
    let arenaBytes = try layOut(&blocks, &poll)

    func location(_ place: Place) -> Location {
      switch placement.settled(place).base {
      case .block(let block): .arena(offset: blocks[block].offset &+ place.offset)
      case .external(let external): .external(external, offset: place.offset)
      case .constant(let address): .constant(address == 0 ? 0 : address &+ UInt(bitPattern: place.offset))
      }
    }
    var steps: [Step] = []
    var operands: [Location] = []
    var firstSteps: [Int] = []
    var firstOperands: [Int] = []
    var copies: [PlanLayout.Copy] = []
    for placed in placement.placed {
      try poll.count(128 &+ 8 &* placed.operands.count)
      firstSteps.append(steps.count)
      firstOperands.append(operands.count)
      try placed.appendSteps(placed.kernel, operands: operands.count, scratch: placed.scratch.map { blocks[$0].offset } ?? 0, to: &steps)
      for operand in placed.operands { operands.append(location(operand)) }
    }
    for copy in placement.copies {
      copies.append(PlanLayout.Copy(output: copy.output, step: steps.count))
      try copy.placed.appendSteps(copy.placed.kernel, operands: operands.count, scratch: 0, to: &steps)
      for operand in copy.placed.operands { operands.append(location(operand)) }
    }
    var crossings: [Crossing] = []
    for value in placement.crossing {
      guard let place = placement.places[value.index], case .tensor(let type) = resolution.knowledge[value.index] else { continue }
      crossings.append(Crossing(value: value, type: type, location: location(place)))
    }
    let layout = PlanLayout(
      placed: placement.placed, placedIndex: placement.placedIndex, firstSteps: firstSteps, firstOperands: firstOperands,
      capacities: blocks.map(\.bytes), offsets: blocks.map(\.offset), moved: placement.moved, copies: copies)
    let record = PlanRecord(
      nodes: nodes, resolved: ResolutionRecord(resolution, initial: initial), sizes: sizes, layout: layout)
    var table = SharedTable(operands)
    table.share()
    let isWhole = placement.eagerNode == nil && placement.deferred.isEmpty
    return Segment(
      steps: StepTable(steps), operands: table, patches: Segment.patches(operands), externals: placement.externals, crossings: crossings,
      eagerNode: placement.eagerNode, remaining: placement.deferred, record: record,
      bindings: isWhole ? program.bindings(of: placement.externals, resolution.knowledge) : nil,
      workspaces: WorkspacePool(arenaBytes: arenaBytes, account: program.account))
  }
}

extension PlacedNode {
  /// The steps of the node's kernel.
  func appendSteps(_ kernel: Kernel, operands: Int, scratch: Int, to steps: inout [Step]) throws(PinionError) {
    try forEachStep(kernel, operands: operands, scratch: scratch) { steps.append($0) }
  }

  func forEachStep(_ kernel: Kernel, operands: Int, scratch: Int, _ body: (Step) -> Void) throws(PinionError) {
    let shared = try alignedUp(kernel.scratchBytes, to: Buffer.alignment)
    let lane = try alignedUp(kernel.laneScratchBytes, to: Buffer.alignment)
    for stage in kernel.stages {
      body(
        Step(
          stage: stage, node: node, operands: operands, inputCount: inputCount, scratchOffset: scratch,
          laneScratchOffset: scratch &+ shared, laneScratchBytes: lane))
    }
  }
}

extension Program {
  /// What the caller gives for each external, and what the outputs are that are none; nil where a run in place is not possible.
  func bindings(of externals: ContiguousArray<External>, _ knowledge: KnowledgeTable) -> RunBindings? {
    var result = RunBindings()
    var isBound = [Bool](repeating: false, count: graph.outputs.count)
    for external in externals {
      switch external {
      case .value(let value):
        guard let position = entryPositions[value] else { return nil }
        result.externals.append(.input(position))
      case .output(let value, let type):
        guard let position = outputPositions[value] else { return nil }
        result.externals.append(.output(position, type))
        result.givesText = result.givesText || type.element == .string
        isBound[position] = true
      }
    }
    for (position, value) in graph.outputs.enumerated() where !isBound[position] {
      guard let type = knowledge[value.index].type else { return nil }
      result.givesText = result.givesText || type.element == .string
      if case .constant(let tensor) = knowledge[value.index] {
        result.passed.append((position, type, .constant(tensor)))
      } else if let entry = entryPositions[value] {
        result.passed.append((position, type, .input(entry)))
      } else if let first = outputPositions[value], first < position {
        result.passed.append((position, type, .output(first)))
      } else {
        return nil
      }
    }
    // Text that only the plan holds does not outlast it.
    return result.givesText && holdsText(knowledge) ? nil : result
  }
}

extension Program {
  /// Whether planning has made constants of text.
  private func holdsText(_ knowledge: KnowledgeTable) -> Bool {
    graph.values.indices.contains { index in
      guard case .constant(let tensor) = knowledge[index], tensor.element == .string else { return false }
      return !isConstant(index)
    }
  }
}

extension Int {
  /// A quarter more, in steps that small blocks do not outgrow either.
  fileprivate var withRoomToGrow: Int {
    guard self > 0 else { return self }
    let (sum, overflow) = addingReportingOverflow(self / 4 &+ 256)
    return overflow ? self : sum
  }
}
