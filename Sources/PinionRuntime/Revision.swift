import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

extension Planner {
  /// The plan of `basis` with other kernels for the nodes that have changed, where everything lies as it did.
  ///
  /// The layout holds if each node still is what it was (a kernel with as many stages, a view at the same place, a known value), the
  /// blocks are large enough, and what was written over something or into an output still has the same size as that.
  /// - Returns: nil where that is not so.
  func revise(_ basis: Segment, _ resolution: Resolution, initial: KnowledgeTable) throws(PinionError) -> Segment? {
    let record = basis.record, layout = record.layout
    var steps: [StepTable.Change] = []
    var operands = basis.operands
    var externals = basis.externals
    var sizes = record.sizes

    for position in resolution.changed {
      let node = program.planned[record.nodes[position]]
      switch (record.resolved.outcomes[position], resolution.outcomes[position]) {
      case (.postponed(let before), .postponed(let now)): guard before == now else { return nil }
      case (.known, .known): break
      case (.view(let before), .view(let now)):
        guard before == now else { return nil }
        for view in now {
          // What lies in a constant would have moved with it.
          if let input = node.inputs[view.input], case .constant = resolution.knowledge[input.index] { return nil }
        }
      case (.computed(let before, let typesBefore, _), .computed(let kernel, let types, let over)):
        guard before.stages.count == kernel.stages.count, typesBefore.count == types.count else { return nil }
        let index = layout.placedIndex[position]
        let first = layout.firstOperands[index], inputCount = layout.placed[index].inputCount, reused = layout.placed[index].reused
        for (slot, input) in node.inputs.enumerated() {
          guard let input else { continue }
          guard case .constant(let tensor) = resolution.knowledge[input.index] else {
            // The table would keep the address of what was a constant.
            if case .constant = record.resolved.knowledge[input.index] { return nil }
            continue
          }
          guard case .constant = layout.placed[index].operands[slot].base else { return nil }
          let isUnread = resolution.leavesUnread(input, slot, kernel)
          let location = Location.constant(isUnread ? 0 : UInt(bitPattern: try tensor.kept(control).data))
          if operands[first &+ slot] != location { operands[first &+ slot] = location }
        }
        if let reused { guard over.contains(reused) else { return nil } }
        for (slot, type) in types.enumerated() {
          guard case .block(let block) = layout.placed[index].operands[inputCount &+ slot].base else { return nil }
          guard layout.moved[block] != nil || type.byteCount <= layout.capacities[block] else { return nil }
          if slot == 0, reused != nil { guard sizes[block] == type.byteCount else { return nil } }
          if sizes[block] != type.byteCount { sizes[block] = type.byteCount }
        }
        let scratch = try kernel.scratchBytes(threads: program.executor.threads)
        let block = layout.placed[index].scratch
        guard scratch <= (block.map { layout.capacities[$0] } ?? 0) else { return nil }
        var next = layout.firstSteps[index]
        try layout.placed[index].forEachStep(kernel, operands: first, scratch: block.map { layout.offsets[$0] } ?? 0) { step in
          steps.append((next, step))
          next &+= 1
        }
      default: return nil
      }
    }

    for index in externals.indices {
      guard case .output(let value, _) = externals[index] else { continue }
      guard let type = resolution.knowledge[value.index].type else { return nil }
      externals[index] = .output(value, type)
    }
    for (block, external) in layout.moved {
      guard case .output(_, let type) = externals[external], sizes[block] == type.byteCount else { return nil }
    }
    for copy in layout.copies {
      guard let type = resolution.knowledge[copy.output.index].type else { return nil }
      let before = basis.steps[copy.step]
      steps.append(
        (
          copy.step,
          Step(
            stage: Kernel.copy(bytes: type.byteCount).stages[0], node: before.node, operands: before.operands, inputCount: before.inputCount,
            scratchOffset: before.scratchOffset, laneScratchOffset: before.laneScratchOffset, laneScratchBytes: before.laneScratchBytes)
        ))
    }
    var crossings: [Crossing] = []
    for crossing in basis.crossings {
      guard let type = resolution.knowledge[crossing.value.index].type else { return nil }
      crossings.append(Crossing(value: crossing.value, type: type, location: crossing.location))
    }
    return Segment(
      steps: StepTable(basis.steps, replacing: steps), operands: operands, patches: basis.patches, externals: externals, crossings: crossings, eagerNode: basis.eagerNode,
      remaining: basis.remaining,
      record: PlanRecord(
        nodes: record.nodes, resolved: ResolutionRecord(resolution, initial: initial), sizes: sizes, layout: layout),
      bindings: bindings(of: basis, externals, resolution.knowledge), workspaces: basis.workspaces,
      following: basis.anyFollowing)
  }

  /// What the caller gives for the externals of a plan that was made from `basis`.
  private func bindings(of basis: Segment, _ externals: ContiguousArray<External>, _ knowledge: KnowledgeTable) -> RunBindings? {
    guard let before = basis.bindings else { return nil }
    guard basis.passed.isEmpty, !basis.givesText else { return program.bindings(of: externals, knowledge) }
    // Only the outputs' types are others.
    var result = RunBindings(externals: before)
    for index in before.indices {
      if case .output(let position, _) = before[index], case .output(_, let type) = externals[index] {
        guard type.element != .string else { return program.bindings(of: externals, knowledge) }
        result.externals[index] = .output(position, type)
      }
    }
    return result
  }
}
