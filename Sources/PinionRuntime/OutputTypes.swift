import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

extension Program {
  /// The outputs' types for inputs of these types, without a run: what inference says, and where that depends on values, what the
  /// model declares. For a body that is never run.
  /// - Parameters:
  ///   - inputs: what is known of each input and then of each captured value.
  ///   - types: their types, where more is known of them than `inputs` can say.
  ///   - control: what waits for the answer, which is less where a limit ends it: the caller looks at the limits.
  ///   - folding: what nodes that are computed on the way count against.
  func outputTypes(inputs: [Knowledge], types: [ValueType?], control: RunControl, folding: RunControl) -> [ValueType?] {
    var known: [ValueID: ValueType] = [:]
    for (value, type) in zip(entryValues, types) { known[value] = type }
    let knowledge = dryKnowledge(inputs, &known, control, folding)
    return graph.outputs.map { output in
      knowledge.flatMap { Program.type($0[output.index]) } ?? Program.closer(known[output], graph[output].type)
    }
  }

  /// What is known of each value without a run. A node that fails for these inputs fails where it runs, not here.
  /// - Parameter types: the types of values that are no tensors or have open extents, those of inputs to begin with.
  private func dryKnowledge(
    _ inputs: [Knowledge], _ types: inout [ValueID: ValueType], _ control: RunControl, _ folding: RunControl
  ) -> KnowledgeTable? {
    let planner = Planner(program: self, isDry: true, skipsFailures: true, control: control, folding: folding)
    guard var segment = try? planner.segment(nodes: allNodes, knowledge: initialKnowledge(inputs)) else { return nil }
    while let index = segment.eagerNode {
      var knowledge = segment.knowledge
      for (output, type) in zip(graph.nodes[index].outputs, dryTypes(index, knowledge, types, control, folding)) {
        guard let output else { continue }
        knowledge[output.index] = type.map(Program.knowledge(ofType:)) ?? .other
        types[output] = type
      }
      guard let next = try? planner.segment(nodes: segment.remaining, knowledge: knowledge) else { return knowledge }
      segment = next
    }
    return segment.knowledge
  }

  /// The types of the outputs of a node that a plan cannot hold.
  private func dryTypes(
    _ index: Int, _ knowledge: KnowledgeTable, _ types: [ValueID: ValueType], _ control: RunControl, _ folding: RunControl
  ) -> [ValueType?] {
    let node = graph.nodes[index]
    let declared = node.outputs.map { $0.flatMap { graph[$0].type } }
    let known = node.inputs.map { input in input.map { knowledge[$0.index] } }
    let knownTypes = node.inputs.map { input in
      input.flatMap { Program.type(knowledge[$0.index]) ?? Program.closer(types[$0], graph[$0].type) }
    }
    let own = Array(knownTypes.prefix(node.formalInputCount))
    let inferred: [ValueType?]
    let runsOutsidePlans = Swift.type(of: node.op).runsOutsidePlans
    if runsOutsidePlans, let op = node.op as? any ValueTyping {
      inferred = op.outputTypes(inputs: own)
    } else if runsOutsidePlans, let op = node.op as? any SubgraphTyping, let programs = subprograms[index] {
      inferred = op.outputTypes(inputs: own) { number, inputs in
        guard number < programs.count, programs[number].graph.inputs.count == inputs.count else { return [] }
        let captures = programs[number].graph.captures
        return programs[number].outputTypes(
          inputs: inputs.map(Program.knowledge(ofType:)) + captures.map { known[$0.input] ?? .unknown },
          types: inputs + captures.map { knownTypes[$0.input] }, control: control, folding: folding)
      }
    } else {
      let symbols = Symbols()
      let facts = node.op.facts(
        FactContext(inputs: own.map { $0.map { Fact(declared: $0, symbols) } }, outputCount: node.outputs.count, symbols: symbols))
      inferred = facts.map(ValueType.init)
    }
    return declared.enumerated().map { slot, declared in Program.closer(slot < inferred.count ? inferred[slot] : nil, declared) }
  }

  /// What inference found, unless the model declares a rank that inference left open.
  private static func closer(_ inferred: ValueType?, _ declared: ValueType?) -> ValueType? {
    guard let inferred else { return declared }
    let isCloser = inferred.dims == nil && declared?.dims != nil && inferred.tensorElement == declared?.tensorElement
    return isCloser ? declared : inferred
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

extension ValueType {
  /// What is known of a tensor; nil where that is not even the element type.
  fileprivate init?(_ fact: Fact) {
    guard let element = fact.element else { return nil }
    self = .tensor(element, dims: fact.dims?.map { extent in extent.flatMap { $0 >= 0 ? .known($0) : nil } ?? .unknown })
  }
}
