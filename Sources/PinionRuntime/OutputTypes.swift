import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

extension Program {
  /// The outputs' types for inputs of these types, without a run: what inference says, and where that depends on values, what the
  /// model declares. For a body that is never run.
  /// - Parameter inputs: what is known of each input and then of each captured value.
  func outputTypes(inputs: [Knowledge]) -> [ValueType?] {
    let knowledge = dryKnowledge(inputs)
    return graph.outputs.map { output in knowledge.flatMap { Program.type($0[output.index]) } ?? graph[output].type }
  }

  /// What is known of each value without a run. A node that fails for these inputs fails where it runs, not here.
  private func dryKnowledge(_ inputs: [Knowledge]) -> [Knowledge]? {
    let planner = Planner(program: self, isDry: true, skipsFailures: true)
    guard var segment = try? planner.segment(nodes: Array(graph.nodes.indices), knowledge: initialKnowledge(inputs)) else { return nil }
    while let index = segment.eagerNode {
      var knowledge = segment.knowledge
      for (output, type) in zip(graph.nodes[index].outputs, dryTypes(index, knowledge)) {
        if let output { knowledge[output.index] = type.map(Program.knowledge(ofType:)) ?? .other }
      }
      guard let next = try? planner.segment(nodes: segment.remaining, knowledge: knowledge) else { return knowledge }
      segment = next
    }
    return segment.knowledge
  }

  /// The types of the outputs of a node that a plan cannot hold.
  private func dryTypes(_ index: Int, _ knowledge: [Knowledge]) -> [ValueType?] {
    let node = graph.nodes[index]
    let declared = node.outputs.map { $0.flatMap { graph[$0].type } }
    guard let op = node.op as? any SubgraphTyping, let programs = subprograms[index] else { return declared }
    let known = node.inputs.map { input in input.map { knowledge[$0.index] } }
    let inferred = op.outputTypes(inputs: known.prefix(node.formalInputCount).map { $0.flatMap(Program.type) }) { number, inputs in
      guard number < programs.count, programs[number].graph.inputs.count == inputs.count else { return [] }
      let captured = programs[number].graph.captures.map { known[$0.input] ?? .unknown }
      return programs[number].outputTypes(inputs: inputs.map(Program.knowledge(ofType:)) + captured)
    }
    return declared.enumerated().map { slot, declared in (slot < inferred.count ? inferred[slot] : nil) ?? declared }
  }

  private static func type(_ knowledge: Knowledge) -> ValueType? {
    switch knowledge {
    case .constant(let tensor): ValueType(tensor.type)
    case .tensor(let type): ValueType(type)
    case .unknown, .other: nil
    }
  }

  /// What a type says before there is a value.
  static func knowledge(ofType type: ValueType?) -> Knowledge {
    guard case .tensor(let element, let dims?)? = type else { return .other }
    var extents: [Int] = []
    for dimension in dims {
      guard case .known(let extent) = dimension else { return .other }
      extents.append(extent)
    }
    guard let shape = try? Shape(extents) else { return .other }
    return .tensor(TensorType(element, shape))
  }

  /// What is known of a captured value, which is the same in every iteration: few integers, which shapes may depend on, by value.
  static func knowledge(ofCaptured value: Value?) -> Knowledge {
    if case .tensor(let tensor)? = value, tensor.element == .int64 || tensor.element == .int32, tensor.count <= 64 {
      return .constant(tensor)
    }
    return knowledge(of: value)
  }
}
