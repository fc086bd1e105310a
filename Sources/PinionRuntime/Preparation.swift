import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

extension Program {
  /// Makes what a run with such inputs would make before it computes anything: plans, forms of constants, and the memory of one run.
  ///
  /// What follows a node outside the plan is planned where the types of its outputs follow from types and from elements that are at
  /// hand, and so are subgraphs, for the first iteration of a loop where types change from one to the next. What depends on more is left
  /// to the run.
  /// - Parameters:
  ///   - inputs: one value for each of the graph's inputs, then one for each captured value.
  ///   - unseen: the positions of those that are there by type only: see `Value.unseen`.
  ///   - control: limits of the preparation. Memory of the run is held against the byte budget.
  package func prepare(
    _ inputs: [Value], unseen: Set<Int>, control: RunControl, profile: Profile? = nil
  ) throws(PinionError) {
    _ = try prepared(inputs, unseen: unseen, control: control, profile: profile)
  }

  /// - Returns: what is known of the outputs; nothing of those that only a run tells.
  private func prepared(
    _ inputs: [Value], unseen: Set<Int>, control: RunControl, profile: Profile?
  ) throws(PinionError) -> [Knowledge] {
    let (program, root, isKept) = try root(for: inputs, unseen: unseen, control: control, profile: profile)
    do { return try program.prepare(root, inputs, unseen: unseen, control: control, profile: profile) } catch {
      // Not the plan of any run.
      guard !isKept, !error.isOfLimits else { throw error }
      return graph.outputs.map { _ in .unknown }
    }
  }

  private func prepare(
    _ root: Segment, _ inputs: [Value], unseen: Set<Int>, control: RunControl, profile: Profile?
  ) throws(PinionError) -> [Knowledge] {
    let positions = entryPositions
    let fed: (ValueID) -> Tensor? = { value in
      guard let position = positions[value], !unseen.contains(position), case .tensor(let tensor) = inputs[position] else { return nil }
      return tensor
    }
    // What is found out about bodies is not kept where it is interrupted, so that a preparation that is tried again and again would not get on: it has the
    // run's bytes, but neither its deadline nor its token.
    var limits = RunLimits()
    limits.bytes = control.limits.bytes
    let values = ShapeValues(self, fed: fed, control: Resolution.foldControl(of: RunControl(limits)))
    var segment = root
    while true {
      try segment.prepareWorkspace(control, allocator)
      guard let index = segment.eagerNode else { break }
      try control.check()
      let results: [TensorType]?
      do { results = try outputs(of: index, segment.knowledge, values, control: control, profile: profile) } catch {
        // A body that fails for these types may never be run; whether it is, only the run tells.
        guard !error.isOfLimits else { throw error }
        results = nil
      }
      guard let results else { break }
      var signature = Signature([])
      for (type, output) in zip(results, graph.nodes[index].outputs) where output != nil { signature.append(type) }
      segment = try following(segment, index, signature, results.map(Knowledge.tensor), control: control, profile: profile)
    }
    return graph.outputs.map { segment.knowledge[$0.index] }
  }

  /// The types of the outputs of a node outside the plan, for which its subgraphs are prepared; nil where only a run tells.
  private func outputs(
    of index: Int, _ knowledge: KnowledgeTable, _ values: ShapeValues, control: RunControl, profile: Profile?
  ) throws(PinionError) -> [TensorType]? {
    let node = graph.nodes[index]
    var types: [TensorType]?
    if let op = node.op as? any SubgraphTyping, let programs = subprograms[index] {
      let chosen = try branch(of: index, knowledge, values)
      let own = node.inputs.prefix(node.formalInputCount).map { $0.flatMap { knowledge[$0.index].type.map(ValueType.init) } }
      var stop: PinionError?
      let found = op.outputTypes(inputs: own) { number, inputs in
        guard stop == nil, programs.indices.contains(number), number == chosen ?? number else { return [] }
        do throws(PinionError) {
          return try prepare(programs[number], inputs, of: node, knowledge, values, control: control, profile: profile)
        } catch {
          // A subgraph that fails for these types may never be run.
          if error.isOfLimits { stop = error }
          return []
        }
      }
      if let stop { throw stop }
      // How often a loop runs its body shows in the types of what it stacks.
      if branching.contains(index) || op.courseTelling == nil { types = found.concrete(node.outputs.count) }
    }
    if types == nil {
      var walk = PlanWalk(control: nil, folding: values.control)
      let found = try walk.outcome(of: index, self, knowledge, values)
      types = found.flatMap { found in
        let types = found.compactMap(\.type)
        return types.count == found.count && types.count >= node.outputs.count ? types : nil
      }
    }
    return types.map { Array($0.prefix(node.outputs.count)) }
  }

  /// The branch that a node takes, where that is known.
  private func branch(of index: Int, _ knowledge: KnowledgeTable, _ values: ShapeValues) throws(PinionError) -> Int? {
    let node = graph.nodes[index]
    guard branching.contains(index), let op = node.op.courseTelling else { return nil }
    var deciding = [Tensor?](repeating: nil, count: node.formalInputCount)
    for slot in op.decidingInputs where slot < deciding.count {
      guard let input = node.inputs[slot], let tensor = try values.tensor(for: input, knowledge) else { return nil }
      deciding[slot] = tensor
    }
    guard case .branch(let branch) = try op.course(deciding) else { return nil }
    return branch
  }

  /// Prepares a subgraph for inputs and captured values of these types.
  /// - Returns: the types of its outputs as far as they are known; none where those of its inputs are not.
  private func prepare(
    _ program: Program, _ inputs: [ValueType?], of node: Node, _ knowledge: KnowledgeTable, _ values: ShapeValues, control: RunControl,
    profile: Profile?
  ) throws(PinionError) -> [ValueType?] {
    var all: [Value] = []
    for input in inputs {
      guard case .tensor(let type) = Program.knowledge(ofType: input) else { return [] }
      all.append(try .unseen(type))
    }
    var seen = Set<Int>()
    for capture in program.graph.captures {
      guard let input = node.inputs[capture.input], let type = knowledge[input.index].type else { return [] }
      if let tensor = try values.tensor(for: input, knowledge) {
        seen.insert(all.count)
        all.append(.tensor(tensor))
      } else {
        all.append(try .unseen(type))
      }
    }
    guard all.count == program.entryValues.count else { return [] }
    let outputs = try program.prepared(all, unseen: Set(all.indices).subtracting(seen), control: control, profile: profile)
    return outputs.map { $0.type.map(ValueType.init) }
  }
}

extension Value {
  /// A tensor of which only the type is there: nobody may look at its elements.
  package static func unseen(_ type: TensorType) throws(PinionError) -> Value {
    guard let nowhere = UnsafeMutableRawPointer(bitPattern: Buffer.alignment) else { throw .internal("no address to stand for none") }
    return .tensor(Tensor(type, data: nowhere, owner: nil))
  }
}

extension [ValueType?] {
  /// The first `count` types, where all of them are tensors of known extents.
  fileprivate func concrete(_ count: Int) -> [TensorType]? {
    guard self.count >= count else { return nil }
    var types: [TensorType] = []
    for type in prefix(count) {
      guard case .tensor(let known) = Program.knowledge(ofType: type) else { return nil }
      types.append(known)
    }
    return types
  }
}

extension Segment {
  /// Makes the memory of one run, pages and all, where there is none yet.
  fileprivate func prepareWorkspace(_ control: RunControl, _ allocator: Allocator) throws(PinionError) {
    guard steps.count > 0 || !crossings.isEmpty || !externals.isEmpty else { return }
    let isNew = !workspaces.hasMade
    let workspace = try workspaces.take(for: self, allocator: allocator, control: control, isAhead: true)
    defer { workspaces.giveBack(workspace, control: control) }
    guard isNew else { return }
    let piece = 1 << 22
    for start in stride(from: 0, to: arenaBytes, by: piece) {
      try control.check()
      (workspace.arena.pointer + start).initializeMemory(as: UInt8.self, repeating: 0, count: Swift.min(piece, arenaBytes - start))
    }
  }
}
