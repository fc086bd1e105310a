import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

extension Program {
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
    var given: [Value?] = []
    given.reserveCapacity(inputs.count)
    for input in inputs { given.append(input) }
    guard let profile else { return try run(nested: 0, given, outputs: preallocated, control: control, profile: nil, state: state) }
    profile.beginRun()
    let start = monotonicNanoseconds()
    defer { profile.endRun(nanoseconds: monotonicNanoseconds() &- start) }
    return try run(nested: 0, given, outputs: preallocated, control: control, profile: profile, state: state)
  }

  /// - Parameter depth: how many nodes with graphs this one's lies in.
  func run(
    nested depth: Int, _ inputs: [Value?], outputs preallocated: [Tensor?] = [], control: RunControl, profile: Profile?, state: (any HeldMemory)? = nil
  ) throws(PinionError) -> [Value] {
    do throws(PinionError) {
      let (program, segment, _) = try root(for: inputs, plansAhead: true, control: control, profile: profile)
      return try program.run(segment, inputs, outputs: preallocated, control: control, profile: profile, depth: depth, state: state)
    } catch {
      // What only a branch not taken reads may have failed, where the plan did not know the branch.
      guard !branching.isEmpty, !error.isOfLimits, state == nil, let program = try knowingBranches(inputs, control) else { throw error }
      return try program.run(nested: depth, inputs, outputs: preallocated, control: control, profile: profile)
    }
  }

  private func run(
    _ root: Segment, _ inputs: [Value?], outputs preallocated: [Tensor?], control: RunControl, profile: Profile?, depth: Int,
    state: (any HeldMemory)?
  ) throws(PinionError) -> [Value] {
    if depth == 0 { account.countRun() }
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
    results.reserveCapacity(graph.outputs.count)
    for output in graph.outputs {
      if results.count & 255 == 255 { try control.check() }
      if case .constant(let tensor) = segment.knowledge[output.index] {
        results.append(.tensor(try tensor.kept(control)))
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
    guard let op = node.op.stateAppending, let type = types[append.slot] else { throw .internal("a state's type is not known") }
    let context = InferenceContext(schema: node.schema, inputs: types, values: known, outputCount: node.outputs.count)
    let (more, written) = op.rows(appendedTo: append.slot, context)
    values[graph.held[append.held].past.index] = .tensor(try state.reserve(append.held, type, rows: more, written: written, control: control))
  }

  /// Outputs that are no step's work are copied up to so many bytes; a run that is not in place passes the value on.
  static let passedBytes = 4096
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
    guard appending.isEmpty, inputs == entryValues.count, outputs == graph.outputs.count, let plan = plans.withLock({ $0.find(count: inputs, control, input) }) else {
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
        case .constant(let tensor): try tensor.kept(control)
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
          tensor = try control.tensor(type, allocator: resultAllocator)
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

extension Value {
  /// The value, with string elements that no longer point into memory of other tensors.
  func owningStrings(allocator: Allocator, control: RunControl) throws(PinionError) -> Value {
    guard case .tensor(let tensor) = self, tensor.element == .string, !tensor.ownsStrings else { return self }
    return .tensor(try tensor.copyingStrings(allocator: allocator, control: control, maker: control))
  }
}
