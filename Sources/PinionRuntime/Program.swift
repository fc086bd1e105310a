import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// A graph made ready for a backend: plans it for each tuple of input types it meets, and runs the plans.
package final class Program: Sendable {
  package let graph: Graph
  let backend: any Backend
  let executor: StageExecutor
  /// Threads that work on a kernel.
  package var threads: Int { executor.threads }
  let packed: PackedWeights
  let allocator: Allocator
  /// The programs of each node's subgraphs, by the node's index.
  let subprograms: [Int: [Program]]
  /// All nodes of the graph, in order.
  let allNodes: [Int]
  let readers: ReaderTable
  let planned: ContiguousArray<PlannedNode>
  /// Nodes that take one of several subgraphs.
  let branching: [Int]
  /// For each value the node that makes it, where there are such nodes.
  let producers: [Int?]
  let planLimit: Int
  /// What this program, those of subgraphs and those for known branches hold between runs.
  package let account: MemoryAccount
  /// Counts what the program's own records take, where it is one that others like it can take the place of.
  private let counted: (any AnyObject & Sendable)?
  /// How many programs it is a specialisation of, one of the other.
  let specialization: Int
  /// Programs for known branches.
  let specializations = Lock<[Choices: Program]>([:])
  /// What was found out last about the nodes without kernels.
  let lastCourses = Lock<ResolutionRecord?>(nil)
  /// The last plan that a run's end interrupted.
  let interrupted = Lock<InterruptedPlan?>(nil)
  private let plans: Lock<PlanCache>
  /// What is known without the inputs.
  private let constants: KnowledgeTable
  /// The graph's inputs and then the values that it captures, in the order in which `run` takes them.
  let entryValues: [ValueID]
  let entryPositions: [ValueID: Int]
  /// The first position of each output.
  let outputPositions: [ValueID: Int]
  /// The nodes that append to inputs, with the slot and the input's place in `graph.held`.
  let appending: [(node: Int, slot: Int, held: Int)]

  /// - Parameter isVariant: whether its own records count as held between runs.
  package convenience init(
    graph: Graph, backend: any Backend, executor: StageExecutor, packed: PackedWeights, allocator: Allocator = .system, planLimit: Int = 16,
    account: MemoryAccount = MemoryAccount(limit: 256 << 20), isVariant: Bool = false
  ) {
    self.init(
      graph: graph, backend: backend, executor: executor, packed: packed, allocator: allocator, planLimit: planLimit, account: account,
      isVariant: isVariant, polling: { _ in })
  }

  /// - Parameters:
  ///   - isVariant: whether its own records count as held between runs.
  ///   - poll: is called with numbers of steps of some nanoseconds, and may end the making.
  package init<Failure: Error>(
    graph: Graph, backend: any Backend, executor: StageExecutor, packed: PackedWeights, allocator: Allocator, planLimit: Int,
    account: MemoryAccount, isVariant: Bool, specialization: Int = 0, polling poll: (_ steps: Int) throws(Failure) -> Void
  ) throws(Failure) {
    self.graph = graph
    self.specialization = specialization
    counted = isVariant ? account.token(graph.recordBytes) : nil
    self.backend = backend
    self.executor = executor
    self.packed = packed
    self.allocator = allocator
    allNodes = Array(graph.nodes.indices)
    readers = try ReaderTable(graph, poll)
    var planned = ContiguousArray<PlannedNode>()
    planned.reserveCapacity(graph.nodes.count)
    for node in graph.nodes {
      try poll(64)
      planned.append(PlannedNode(node, backend))
    }
    self.planned = planned
    branching = graph.nodes.indices.filter { graph.nodes[$0].subgraphs.count > 1 && graph.nodes[$0].op is any CourseTelling }
    producers = branching.isEmpty ? [] : graph.producers()
    self.planLimit = planLimit
    self.account = account
    entryValues = graph.inputs + graph.captures.map(\.inner)
    entryPositions = try positions(entryValues, poll)
    outputPositions = try positions(graph.outputs, poll)
    appending = graph.appending()
    var constants = [Knowledge](repeating: .unknown, count: graph.values.count)
    for (value, tensor) in graph.constants {
      try poll(16)
      constants[value.index] = .constant(tensor)
    }
    var table = KnowledgeTable(constants)
    table.share()
    self.constants = table
    var subprograms: [Int: [Program]] = [:]
    for (index, node) in graph.nodes.enumerated() where !node.subgraphs.isEmpty {
      var programs: [Program] = []
      for subgraph in node.subgraphs {
        programs.append(
          try Program(
            graph: subgraph, backend: backend, executor: executor, packed: packed, allocator: allocator, planLimit: planLimit, account: account,
            isVariant: false, polling: poll))
      }
      subprograms[index] = programs
    }
    self.subprograms = subprograms
    plans = Lock(PlanCache(limit: planLimit, account: account))
  }

  /// Whether the graph itself has the value at that place as a constant.
  func isConstant(_ index: Int) -> Bool {
    guard case .constant = constants[index] else { return false }
    return true
  }

  /// What is known before anything has run: the constants, and what the entry values are.
  func initialKnowledge(_ inputs: [Knowledge]) -> KnowledgeTable {
    var knowledge = constants
    for (value, input) in zip(entryValues, inputs) { knowledge[value.index] = input }
    return knowledge
  }

  /// The first segment for inputs of these types.
  func rootSegment(for inputs: [Value?], control: RunControl? = nil, profile: Profile? = nil) throws(PinionError) -> Segment {
    try root(for: inputs, control: control, profile: profile).segment
  }

  /// The first segment for inputs of these types, and the program that it is a plan of: this one, or it with the branches that are
  /// known to be taken.
  /// - Parameter unseen: the positions of inputs of which only the types are there. Where elements of one decide branches, the plan that is
  ///   made takes none, leaves out nodes that fail, since the runs may not have them, and is not kept.
  func root(
    for inputs: [Value?], unseen: Set<Int> = [], control: RunControl?, profile: Profile?
  ) throws(PinionError) -> (program: Program, segment: Segment, isKept: Bool) {
    var (found, latest, deciding) = plans.withLock { cache in
      (unseen.isDisjoint(with: cache.deciding) ? cache.find(inputs) : nil, cache.latest, cache.deciding)
    }
    var isKept = true
    while true {
      switch found {
      case .segment(let segment)?: return (self, segment, true)
      case .program(let program)?: return try program.root(for: inputs, unseen: unseen, control: control, profile: profile)
      case nil: break
      }
      var entries = inputs.map { Program.knowledge(of: $0) }
      for entry in deciding where entries.indices.contains(entry) && !unseen.contains(entry) {
        if case .tensor(let tensor)? = inputs[entry] { entries[entry] = .constant(try tensor.copy(allocator: allocator)) }
      }
      let knowledge = initialKnowledge(entries)
      isKept = unseen.isDisjoint(with: deciding)
      let nodes = allNodes
      if !branching.isEmpty {
        // Which branches are taken is told without kernels.
        let resolution = try courses(nodes, knowledge, control)
        let choices = knownChoices(resolution)
        if !choices.isEmpty, let program = try specialized(choices, control) {
          let root = try program.root(for: inputs, unseen: unseen, control: control, profile: profile)
          guard isKept else { return (root.program, root.segment, false) }
          // Not the program that it may have chosen by values: this one's key does not have them.
          plans.withLock { _ = $0.insert(.program(program), for: inputs, deciding: deciding) }
          return root
        }
        let entries = decidingEntries(resolution).subtracting(deciding)
        if !unseen.isDisjoint(with: entries) {
          isKept = isKept && !plans.withLock { $0.mayDecide }
        } else if !entries.isEmpty, let all = plans.withLock({ $0.decide(by: entries) }) {
          (found, latest, deciding) = (nil, nil, all)
          continue
        }
      }
      let planner = Planner(program: self, skipsFailures: !isKept, control: control, profile: profile)
      let segment = try planner.segment(nodes: nodes, knowledge: knowledge, basis: latest, given: entryValues)
      guard isKept else { return (self, segment, false) }
      return (self, plans.withLock { $0.insert(segment, for: inputs, deciding: deciding) }, true)
    }
  }

  static func knowledge(of value: Value?) -> Knowledge {
    switch value {
    case .tensor(let tensor)?: .tensor(tensor.type)
    default: .other
    }
  }

  /// Runs the graph.
  /// - Parameters:
  ///   - inputs: one value for each of the graph's inputs, then one for each captured value.
  ///   - outputs: the caller's memory for outputs, nil entries for new tensors; of the right type and not overlapping with
  ///     inputs.
  ///   - state: what holds the graph's held inputs, where it has some: of these `inputs` have the types alone.
  /// - Returns: the outputs in the graph's order. They may share memory with inputs, constants and each other: see `LeavingValues`.
  package func run(
    _ inputs: [Value], outputs preallocated: [Tensor?] = [], control: RunControl, profile: Profile? = nil, state: (any HeldMemory)? = nil
  ) throws(PinionError) -> [Value] {
    guard let profile else { return try run(nested: 0, inputs, outputs: preallocated, control: control, profile: nil, state: state) }
    profile.beginRun()
    let start = monotonicNanoseconds()
    defer { profile.endRun(nanoseconds: monotonicNanoseconds() &- start) }
    return try run(nested: 0, inputs, outputs: preallocated, control: control, profile: profile, state: state)
  }

  /// - Parameter depth: how many nodes with graphs this one's lies in.
  fileprivate func run(
    nested depth: Int, _ inputs: [Value], outputs preallocated: [Tensor?] = [], control: RunControl, profile: Profile?, state: (any HeldMemory)? = nil
  ) throws(PinionError) -> [Value] {
    do throws(PinionError) {
      let (program, segment, _) = try root(for: inputs, control: control, profile: profile)
      return try program.run(segment, inputs, outputs: preallocated, control: control, profile: profile, depth: depth, state: state)
    } catch {
      // What only a branch not taken reads may have failed, where the plan did not know the branch.
      guard !branching.isEmpty, !error.isOfLimits, state == nil, let program = try knowingBranches(inputs, control) else { throw error }
      return try program.run(nested: depth, inputs, outputs: preallocated, control: control, profile: profile)
    }
  }

  private func run(
    _ root: Segment, _ inputs: [Value], outputs preallocated: [Tensor?], control: RunControl, profile: Profile?, depth: Int,
    state: (any HeldMemory)?
  ) throws(PinionError) -> [Value] {
    var segment = root
    var values = [Value?](repeating: nil, count: graph.values.count)
    for (value, input) in zip(entryValues, inputs) { values[value.index] = input }
    // The caller's tensors only say the types of these, so that nobody holds memory which rows move out of.
    for append in appending where !segment.places(append.node) {
      if let state { values[graph.held[append.held].past.index] = .tensor(try state.current(append.held)) }
    }
    while true {
      for append in appending where segment.places(append.node) { try makeRoom(append, segment, &values, state, control) }
      try run(segment, values: &values, preallocated: preallocated, control: control, profile: profile, depth: depth)
      guard let index = segment.eagerNode else { break }
      for append in appending where append.node == index { try makeRoom(append, segment, &values, state, control) }
      segment = try runEager(index, after: segment, values: &values, control: control, profile: profile, depth: depth)
    }
    // Strings may point into any of the values.
    defer { withExtendedLifetime(values) {} }
    var results: [Value] = []
    for output in graph.outputs {
      if results.count & 255 == 255 { try control.check() }
      if case .constant(let tensor) = segment.knowledge[output.index] {
        results.append(.tensor(try tensor.kept()))
      } else if let value = values[output.index] {
        results.append(try value.owningStrings(allocator: allocator, control: control))
      } else {
        throw .internal("output '\(graph[output].name)' was not computed")
      }
    }
    return results
  }

  /// Makes room for what a node is about to append to a held input.
  private func makeRoom(
    _ append: (node: Int, slot: Int, held: Int), _ segment: Segment, _ values: inout [Value?], _ state: (any HeldMemory)?, _ control: RunControl
  ) throws(PinionError) {
    guard let state else { throw .internal("what a node appends to is not there") }
    let node = graph.nodes[append.node]
    var types: [TensorType?] = [], known: [Tensor?] = []
    for input in node.inputs {
      switch input.map({ segment.knowledge[$0.index] }) {
      case .constant(let tensor)?:
        types.append(tensor.type)
        known.append(tensor)
      case let knowledge:
        // What a node outside the plan reads is there.
        let value = append.node == segment.eagerNode ? try input.flatMap { values[$0.index] }?.asTensor() : nil
        types.append(knowledge?.type ?? value?.type)
        known.append(value)
      }
    }
    guard let op = node.op as? any StateAppending, let type = types[append.slot] else { throw .internal("a state's type is not known") }
    let context = InferenceContext(schema: node.schema, inputs: types, values: known, outputCount: node.outputs.count)
    let (more, written) = op.rows(appendedTo: append.slot, context)
    values[graph.held[append.held].past.index] = .tensor(try state.reserve(append.held, type, rows: more, written: written, control: control))
  }

  /// Outputs that are no step's work are copied up to so many bytes; a run that is not in place passes the value on.
  private static let passedBytes = 4096
  /// The same for text, which other runs copy with all that it consists of.
  private static let passedTextBytes = 16 << 20

  /// Runs the graph from and into the caller's tensors where a plan for them exists and is all there is to run; allocates nothing.
  /// - Parameters:
  ///   - inputs: how many tensors there are for the graph's inputs and then for captured values.
  ///   - output: memory for each output, which no input and no other output overlaps.
  ///   - control: the run that this is part of; nil for one without limits.
  ///   - takesText: whether elements of text may be written that point into the inputs' text and into the program's.
  /// - Returns: false, with nothing run, where `run` is needed.
  package func runInPlace(
    inputs: Int, outputs: Int, input: (Int) -> Tensor?, output: (Int) -> Tensor?, control: RunControl?, takesText: Bool = false
  ) throws(PinionError) -> Bool {
    guard appending.isEmpty, inputs == entryValues.count, outputs == graph.outputs.count, let plan = plans.withLock({ $0.find(count: inputs, input) }) else {
      return false
    }
    let segment: Segment
    switch plan {
    case .segment(let found): segment = found
    case .program(let program):
      // Nobody keeps a program for some branches, and so its text.
      return try program.runInPlace(inputs: inputs, outputs: outputs, input: input, output: output, control: control)
    }
    guard let bindings = segment.bindings, takesText || !segment.givesText else { return false }
    for passed in segment.passed {
      let most = passed.type.element == .string ? Program.passedTextBytes : Program.passedBytes
      guard passed.type.byteCount <= most, let tensor = output(passed.output), tensor.type == passed.type else { return false }
    }
    let workspace = try segment.workspaces.take(for: segment, allocator: allocator, control: control)
    defer { segment.workspaces.giveBack(workspace, control: control) }
    for index in bindings.indices {
      switch bindings[index] {
      case .input(let position):
        guard let tensor = input(position) else { return false }
        workspace.externals[index] = tensor.data
      case .output(let position, let type):
        guard let tensor = output(position), tensor.type == type else { return false }
        workspace.externals[index] = tensor.data
      }
    }
    for patch in segment.patches { workspace.operands[patch.operand] = workspace.externals[patch.external] + patch.offset }
    do throws(PinionError) { try execute(segment, workspace, control: control ?? workspace.control, profile: nil) } catch {
      // `run` knows what to do where a branch not taken has to do with it.
      guard !branching.isEmpty, !error.isOfLimits else { throw error }
      return false
    }
    for passed in segment.passed {
      let source: Tensor? =
        switch passed.source {
        case .constant(let tensor): try tensor.kept()
        case .input(let position): input(position)
        case .output(let position): output(position)
        }
      if let source, let target = output(passed.output) { target.data.copyMemory(from: source.data, byteCount: passed.type.byteCount) }
    }
    return true
  }

  private func run(
    _ segment: Segment, values: inout [Value?], preallocated: [Tensor?], control: RunControl, profile: Profile?, depth: Int
  ) throws(PinionError) {
    guard segment.steps.count > 0 || !segment.crossings.isEmpty || !segment.externals.isEmpty else { return }
    let workspace = try segment.workspaces.take(for: segment, allocator: allocator, control: control)
    let lease = Lease(workspace, of: segment, control: control)
    for (index, external) in segment.externals.enumerated() {
      if index & 255 == 255 { try control.check() }
      switch external {
      case .value(let value):
        guard let tensor = try values[value.index]?.asTensor() else {
          throw .internal("value '\(graph[value].name)' is not there")
        }
        workspace.externals[index] = tensor.data
      case .output(let value, let type):
        let tensor: Tensor
        // Elements of strings would point into memory that the caller's does not keep alive.
        if let position = outputPositions[value], position < preallocated.count, let given = preallocated[position],
          given.type == type, type.element != .string
        {
          tensor = given
        } else {
          tensor = try control.tensor(type, allocator: allocator)
        }
        values[value.index] = .tensor(tensor)
        workspace.externals[index] = tensor.data
      }
    }
    for patch in segment.patches { workspace.operands[patch.operand] = workspace.externals[patch.external] + patch.offset }
    // The lease must outlast the steps even if nothing crosses.
    defer { withExtendedLifetime(lease) {} }
    try execute(segment, workspace, control: control, profile: profile, depth: depth)
    for crossing in segment.crossings {
      let pointer: UnsafeMutableRawPointer
      var owner: AnyObject? = lease
      switch crossing.location {
      case .arena(let offset): pointer = workspace.arena.pointer + offset
      case .external(let external, let offset):
        pointer = workspace.externals[external] + offset
        switch segment.externals[external] {
        case .value(let value), .output(let value, _): owner = try values[value.index]?.asTensor().owner
        }
      case .constant(let address): pointer = UnsafeMutableRawPointer(bitPattern: address) ?? workspace.arena.pointer
      }
      values[crossing.value.index] = .tensor(Tensor(crossing.type, data: pointer, owner: owner))
    }
  }

  /// Runs a segment's steps on a workspace whose operands are filled in.
  @inline(__always)
  func execute(_ segment: Segment, _ workspace: Workspace, control: RunControl, profile: Profile?, depth: Int = 0) throws(PinionError) {
    var current = 0
    if segment.isParallel { executor.pool.wake() }
    do throws(PinionError) {
      try control.takeSteps(segment.steps.count)
      if let profile {
        try executeProfiled(segment, workspace, control: control, profile: profile, depth: depth, current: &current)
      } else {
        try executeSteps(segment, workspace, control: control, current: &current)
      }
    } catch { throw locate(error, segment: segment, step: current) }
  }

  private func executeSteps(
    _ segment: Segment, _ workspace: Workspace, control: RunControl, current: inout Int
  ) throws(PinionError) {
    let base = workspace.arena.pointer
    let operands = UnsafePointer(workspace.operands)
    let count = segment.steps.count
    let steps = segment.steps.steps
    let job = workspace.job
    while current < count {
      let step = steps[current]
      try control.check()
      try executor.run(
        step.pointee.stage, operands: operands + step.pointee.operands, inputCount: step.pointee.inputCount,
        scratch: base + step.pointee.scratchOffset, laneScratch: base + step.pointee.laneScratchOffset,
        laneScratchBytes: step.pointee.laneScratchBytes, job: job, control: control)
      current &+= 1
    }
  }

  private func executeProfiled(
    _ segment: Segment, _ workspace: Workspace, control: RunControl, profile: Profile, depth: Int, current: inout Int
  ) throws(PinionError) {
    let base = workspace.arena.pointer
    let works = segment.works(of: self)
    while current < segment.steps.count {
      let step = segment.steps[current]
      try control.check()
      let start = monotonicNanoseconds()
      try executor.run(
        step.stage, operands: UnsafePointer(workspace.operands + step.operands), inputCount: step.inputCount,
        scratch: base + step.scratchOffset, laneScratch: base + step.laneScratchOffset, laneScratchBytes: step.laneScratchBytes,
        job: workspace.job, control: control)
      if step.node >= 0 {
        let node = graph.nodes[step.node]
        profile.record(
          node: node.name, operator: node.schema.qualifiedName, start: start, end: monotonicNanoseconds(), depth: depth, works[current])
      }
      current &+= 1
    }
  }

  private func locate(_ error: PinionError, segment: Segment, step: Int) -> PinionError {
    guard step < segment.steps.count, segment.steps[step].node >= 0 else { return error }
    let index = segment.steps[step].node
    return graph.nodes[index].locate(
      error, inputTypes: Node.texts(ofInputs: graph.nodes[index].inputs) { $0.flatMap { segment.knowledge[$0.index].type?.description } ?? "-" })
  }

  /// Executes the node that ends a segment and finds or plans what follows.
  private func runEager(
    _ index: Int, after segment: Segment, values: inout [Value?], control: RunControl, profile: Profile?, depth: Int
  ) throws(PinionError) -> Segment {
    let node = graph.nodes[index]
    var inputs: [Value?] = []
    for input in node.inputs {
      guard let input else {
        inputs.append(nil)
        continue
      }
      if case .constant(let tensor) = segment.knowledge[input.index] {
        inputs.append(.tensor(tensor))
      } else {
        inputs.append(values[input.index])
      }
    }
    let results: [Value]
    do throws(PinionError) {
      try control.check()
      try control.takeSteps(1)
      let inside = profile == nil ? nil : InsideTime()
      let runner = subprograms[index].map {
        Subgraphs(programs: $0, node: node, inputs: inputs, control: control, profile: profile, depth: depth, inside: inside)
      }
      let context = EagerContext(
        allocator: allocator, control: control, outputCount: node.outputs.count, subgraphs: runner, executor: executor, packed: packed)
      let start = profile == nil ? 0 : monotonicNanoseconds()
      results = try backend.execute(node.op, Array(inputs.prefix(node.formalInputCount)), context)
      if let profile, let inside {
        let end = monotonicNanoseconds()
        profile.record(
          node: node.name, operator: node.schema.qualifiedName, start: start, end: end, inside: inside.nanoseconds, depth: depth,
          work(of: index, inputs: inputs, results: results))
      }
      guard results.count >= node.outputs.count else {
        throw .invalidModel("the node names \(node.outputs.count) outputs, the operator gave \(results.count)")
      }
    } catch {
      throw node.locate(error, inputTypes: Node.texts(ofInputs: inputs) { $0.map { "\($0.type)" } ?? "-" })
    }
    var signature = Signature([])
    for (slot, output) in node.outputs.enumerated() {
      guard let output else { continue }
      let result = try results[slot].owningStrings(allocator: allocator, control: control)
      values[output.index] = result
      signature.append(result)
    }
    return try following(segment, index, signature, results.map { Program.knowledge(of: $0) }, control: control, profile: profile)
  }

  /// The segment that follows a node outside the plan for outputs of these types, planned where it is not there yet.
  /// - Parameter signature: of the outputs that have names.
  func following(
    _ segment: Segment, _ index: Int, _ signature: Signature, _ results: [Knowledge], control: RunControl, profile: Profile?
  ) throws(PinionError) -> Segment {
    if let next = segment.next(signature) { return next }
    var knowledge = segment.knowledge
    let constants = constantOutputs(of: index, knowledge)
    for (slot, output) in graph.nodes[index].outputs.enumerated() {
      guard let output else { continue }
      knowledge[output.index] = constants[slot].map(Knowledge.constant) ?? results[slot]
    }
    let next = try Planner(program: self, control: control, profile: profile).segment(
      nodes: segment.remaining, knowledge: knowledge, basis: segment.anyFollowing)
    segment.setNext(next, for: signature, account, control)
    return next
  }

  /// The outputs of a control-flow node that are constants, since it always takes one branch and this gives a constant: those that the
  /// node has once a pass has put the branch in its place.
  private func constantOutputs(of index: Int, _ knowledge: KnowledgeTable) -> [Tensor?] {
    let node = graph.nodes[index]
    let none = [Tensor?](repeating: nil, count: node.outputs.count)
    guard let op = node.op as? any CourseTelling, let programs = subprograms[index] else { return none }
    var deciding = [Tensor?](repeating: nil, count: node.formalInputCount)
    for slot in op.decidingInputs where slot < deciding.count {
      guard let input = node.inputs[slot], case .constant(let tensor) = knowledge[input.index] else { return none }
      deciding[slot] = tensor
    }
    guard case .branch(let branch)? = try? op.course(deciding), programs.indices.contains(branch) else { return none }
    let program = programs[branch]
    let captured = program.graph.captures.map { capture in
      if let input = node.inputs[capture.input], case .constant = knowledge[input.index] { knowledge[input.index] } else { Knowledge.unknown }
    }
    let known = program.initialKnowledge(program.graph.inputs.map { _ in .unknown } + captured)
    let planner = Planner(program: program, isDry: true, skipsFailures: true)
    guard let inner = (try? planner.segment(nodes: program.allNodes, knowledge: known))?.knowledge else { return none }
    return none.indices.map { slot in
      guard slot < program.graph.outputs.count, case .constant(let tensor) = inner[program.graph.outputs[slot].index] else { return nil }
      return tensor
    }
  }

  /// Forgets all plans and gives what is held between runs back to the allocator.
  package func trim() {
    plans.withLock { $0.removeAll() }
    interrupted.withLock { $0 = nil }
    lastCourses.withLock { $0 = nil }
    for programs in subprograms.values { for program in programs { program.trim() } }
    // Runs in progress may still have them.
    let programs = specializations.withLock { known in
      defer { known.removeAll() }
      return Array(known.values)
    }
    for program in programs { program.trim() }
  }

}

extension Graph {
  /// About as many bytes as a program's records of the graph take: its nodes with their operators, its values, and what is known of these.
  var recordBytes: Int {
    var bytes = values.count &* 256
    for node in nodes {
      bytes &+= 1024 &+ (node.inputs.count &+ node.outputs.count) &* 32
      for subgraph in node.subgraphs { bytes &+= subgraph.recordBytes }
    }
    return bytes
  }
}

/// Keeps a workspace out of other runs' hands as long as something lies in it.
private final class Lease {
  let workspace: Workspace
  let segment: Segment
  let control: RunControl

  init(_ workspace: Workspace, of segment: Segment, control: RunControl) {
    self.workspace = workspace
    self.segment = segment
    self.control = control
  }

  deinit {
    segment.workspaces.giveBack(workspace, control: control)
  }
}

/// Nanoseconds of the runs of subgraphs of one execution of a node, all on one thread.
private final class InsideTime {
  var nanoseconds: UInt64 = 0
}

/// The subgraphs of a node that is being executed, with the values they capture.
private struct Subgraphs: SubgraphRunner {
  let programs: [Program]
  let node: Node
  let inputs: [Value?]
  let control: RunControl
  let profile: Profile?
  /// Of the node.
  let depth: Int
  let inside: InsideTime?

  func run(subgraph index: Int, inputs: [Value]) throws(PinionError) -> [Value] {
    guard index < programs.count else { throw .internal("there is no subgraph \(index)") }
    let program = programs[index]
    guard inputs.count == program.graph.inputs.count else {
      throw .invalidModel("the subgraph takes \(program.graph.inputs.count) inputs, the operator gives \(inputs.count)")
    }
    var all = inputs
    for capture in program.graph.captures {
      guard let value = self.inputs[capture.input] else { throw .internal("a captured value is not there") }
      all.append(value)
    }
    try control.check()
    guard let profile, let inside else { return try program.run(nested: 0, all, control: control, profile: nil) }
    let start = monotonicNanoseconds()
    defer { inside.nanoseconds &+= monotonicNanoseconds() &- start }
    return try program.run(nested: depth &+ 1, all, control: control, profile: profile)
  }

  func runInPlace(subgraph index: Int, inputs: [Tensor], outputs: [Tensor]) throws(PinionError) -> Bool {
    guard profile == nil, index < programs.count else { return false }
    let program = programs[index], own = program.graph.inputs.count
    guard inputs.count == own else { return false }
    return try program.runInPlace(
      inputs: own + program.graph.captures.count, outputs: outputs.count,
      input: { position in
        if position < own { return inputs[position] }
        guard case .tensor(let tensor)? = self.inputs[program.graph.captures[position - own].input] else { return nil }
        return tensor
      }, output: { outputs[$0] }, control: control)
  }

  func outputTypes(subgraph index: Int, inputs: [ValueType?]) -> [ValueType?] {
    guard index < programs.count else { return [] }
    let program = programs[index]
    let captured = program.graph.captures.map { self.inputs[$0.input] }
    return program.outputTypes(
      inputs: inputs.map(Program.knowledge(ofType:)) + captured.map(Program.knowledge(ofCaptured:)), types: inputs + captured.map { $0?.fullType })
  }

  func inputCount(subgraph index: Int) -> Int { index < programs.count ? programs[index].graph.inputs.count : 0 }
  func outputCount(subgraph index: Int) -> Int { index < programs.count ? programs[index].graph.outputs.count : 0 }
}

extension Value {
  /// The value, with string elements that no longer point into memory of other tensors.
  fileprivate func owningStrings(allocator: Allocator, control: RunControl) throws(PinionError) -> Value {
    guard case .tensor(let tensor) = self, tensor.element == .string, !tensor.ownsStrings else { return self }
    return .tensor(try tensor.copyingStrings(allocator: allocator, control: control, maker: control))
  }
}

/// The first position of each value.
private func positions<Failure: Error>(
  _ values: [ValueID], _ poll: (_ steps: Int) throws(Failure) -> Void
) throws(Failure) -> [ValueID: Int] {
  var positions: [ValueID: Int] = [:]
  positions.reserveCapacity(values.count)
  for (position, value) in values.enumerated() {
    try poll(64)
    if positions[value] == nil { positions[value] = position }
  }
  return positions
}
