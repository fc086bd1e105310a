import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Nodes that run by themselves, between segments.
extension Program {
  /// Executes the node that ends a segment and finds or plans what follows.
  func runEager(
    _ index: Int, after segment: Segment, values: inout [Value?], control: RunControl, profile: Profile?, depth: Int
  ) throws(PinionError) -> Segment {
    let node = graph.nodes[index]
    var inputs: [Value?] = []
    inputs.reserveCapacity(node.inputs.count)
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
        allocator: resultAllocator, control: control, outputCount: node.outputs.count, subgraphs: runner, executor: executor, packed: packed)
      let start = profile == nil ? 0 : monotonicNanoseconds()
      let formal = node.formalInputCount < inputs.count ? Array(inputs.prefix(node.formalInputCount)) : inputs
      results = try backend.execute(node.op, formal, context)
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
    var signature = Signature(count: node.outputs.count)
    for (slot, output) in node.outputs.enumerated() {
      guard let output else { continue }
      let result = try results[slot].owningStrings(allocator: allocator, control: control)
      values[output.index] = result
      signature.append(result)
    }
    if let next = following(segment, signature, control) { return next }
    return try following(segment, index, signature, results.map { Program.knowledge(of: $0) }, control: control, profile: profile)
  }

  /// The segment that follows a node outside the plan for outputs of these types, where it is there.
  private func following(_ segment: Segment, _ signature: Signature, _ control: RunControl) -> Segment? {
    guard let next = segment.next(signature), next.record.resolved.serves(control) else { return nil }
    return next
  }

  /// The segment that follows a node outside the plan for outputs of these types, planned where it is not there yet.
  /// - Parameter signature: of the outputs that have names.
  func following(
    _ segment: Segment, _ index: Int, _ signature: Signature, _ results: [Knowledge], control: RunControl, profile: Profile?
  ) throws(PinionError) -> Segment {
    if let next = following(segment, signature, control) { return next }
    var knowledge = segment.knowledge
    let constants = constantOutputs(of: index, knowledge)
    for (slot, output) in graph.nodes[index].outputs.enumerated() {
      guard let output else { continue }
      knowledge[output.index] = constants[slot].map(Knowledge.constant) ?? results[slot]
    }
    let next = try Planner(program: self, control: control, profile: profile).segment(
      nodes: segment.remaining, knowledge: knowledge, basis: segment.anyFollowing, shortBudget: segment.record.resolved.shortBudget)
    segment.setNext(next, for: signature, account, control)
    return next
  }

  /// The outputs of a control-flow node that are constants, since it always takes one branch and this gives a constant: those that the
  /// node has once a pass has put the branch in its place.
  private func constantOutputs(of index: Int, _ knowledge: KnowledgeTable) -> [Tensor?] {
    let node = graph.nodes[index]
    let none = [Tensor?](repeating: nil, count: node.outputs.count)
    guard let op = node.op.courseTelling, let programs = subprograms[index] else { return none }
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
    var all: [Value?] = []
    all.reserveCapacity(inputs.count &+ program.graph.captures.count)
    for input in inputs { all.append(input) }
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

  func prepared(subgraph index: Int, inputs: [Tensor], outputs: [TensorType]) throws(PinionError) -> (any PreparedSubgraph)? {
    guard profile == nil, index < programs.count else { return nil }
    let program = programs[index], own = program.graph.inputs.count
    guard inputs.count == own else { return nil }
    return try PreparedRun.make(
      program, inputs: own,
      input: { position in
        if position < own { return inputs[position] }
        guard case .tensor(let tensor)? = self.inputs[program.graph.captures[position - own].input] else { return nil }
        return tensor
      }, outputs: outputs, control: control)
  }

  func outputTypes(subgraph index: Int, inputs: [ValueType?]) -> [ValueType?] {
    guard index < programs.count else { return [] }
    let program = programs[index]
    let captured = program.graph.captures.map { self.inputs[$0.input] }
    return program.outputTypes(
      inputs: inputs.map(Program.knowledge(ofType:)) + captured.map(Program.knowledge(ofCaptured:)), types: inputs + captured.map { $0?.fullType },
      control: control, folding: Resolution.foldControl(of: control))
  }

  func inputCount(subgraph index: Int) -> Int { index < programs.count ? programs[index].graph.inputs.count : 0 }
  func outputCount(subgraph index: Int) -> Int { index < programs.count ? programs[index].graph.outputs.count : 0 }
}
