import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

extension Graph {
  /// Makes the nodes that put values of earlier runs and new ones together write the new ones behind the others, in memory that a state
  /// holds. Readers that need them as a tensor get a copy.
  /// - Parameter pairs: inputs of the graph, each with the value that a run makes of it for the next one. Where this has another reader than
  ///   the state, in nodes or as an output, it is made as well.
  /// - Returns: for each pair whether it is so; what the others give for the next run is added to the graph's outputs.
  package mutating func hold(_ pairs: [(past: ValueID, present: ValueID)]) throws(PinionError) -> [Bool] {
    let producers = producers()
    var inState = [Bool](repeating: false, count: pairs.count)
    // The values that nobody else makes and takes.
    func pair(_ past: ValueID?, _ present: ValueID?) -> Int? {
      guard let past, let present, pairs.count(where: { $0.past == past || $0.present == present }) == 1 else { return nil }
      return pairs.firstIndex { $0.past == past && $0.present == present }
    }
    for index in pairs.indices where !inState[index] {
      guard let place = producers[pairs[index].present.index] else { continue }
      let node = nodes[place]
      switch node.op {
      case is Concat:
        guard node.inputs.count == 2, pair(node.inputs[0], node.outputs[0]) == index, case .int(let axis)? = node.attributes["axis"],
          let axis = growing(pairs[index].past, along: axis)
        else { continue }
        try append(place, by: AppendToState.self, attributes: ["axis": .int(Int64(axis))], pasts: [(0, axis)], inputs: 2)
        inState[index] = true
      case is Attention:
        try holdAttention(place, by: AttentionOverState.self, pasts: 4, inputs: 7, &inState, pair)
      case is MultiHeadAttention:
        try holdAttention(place, by: MultiHeadAttentionOverState.self, pasts: 6, inputs: 10, &inState, pair)
      default: continue
      }
    }
    for (pair, isInState) in zip(pairs, inState) where !isInState {
      // What passes through stays where it is.
      var present = pair.present
      while let place = producers[present.index], nodes[place].op is Identity, let source = nodes[place].inputs[0], self[source].type.isTensor {
        present = source
      }
      outputs.append(present)
    }
    try readElsewhere()
    return inState
  }

  /// The axis, where rows of it may come and go.
  private func growing(_ value: ValueID, along axis: Int64) -> Int? {
    guard case .tensor(let element, let dims?)? = self[value].type, element != .string, axis >= -Int64(dims.count), axis < Int64(dims.count)
    else { return nil }
    let axis = Int(axis < 0 ? axis + Int64(dims.count) : axis)
    if case .known = dims[axis] { return nil }
    return axis
  }

  private mutating func holdAttention(
    _ place: Int, by type: any Operator.Type, pasts: Int, inputs: Int, _ inState: inout [Bool], _ pair: (ValueID?, ValueID?) -> Int?
  ) throws(PinionError) {
    let node = nodes[place]
    // Only kernels of these types write to a state themselves, and the scores are no output of theirs.
    func isWide(_ value: ValueID?) -> Bool {
      guard let value, case .tensor(let element, _)? = self[value].type else { return false }
      return element == .float32 || element == .float64 && type == AttentionOverState.self
    }
    guard node.inputs.count > pasts + 1, node.inputs.count <= inputs, node.outputs.count >= 3, node.outputs.dropFirst(3).allSatisfy({ $0 == nil }),
      let key = pair(node.inputs[pasts], node.outputs[1]), let value = pair(node.inputs[pasts + 1], node.outputs[2]), key != value,
      isWide(node.inputs[pasts]), isWide(node.inputs[pasts + 1]), let keys = node.inputs[pasts], let values = node.inputs[pasts + 1],
      growing(keys, along: 2) != nil, growing(values, along: 2) != nil
    else { return }
    try append(place, by: type, attributes: node.attributes, pasts: [(pasts, 2), (pasts + 1, 2)], inputs: inputs)
    inState[key] = true
    inState[value] = true
  }

  /// Replaces a node by one that appends to what lies in the slots `pasts`, whose room comes in further inputs.
  private mutating func append(
    _ place: Int, by type: any Operator.Type, attributes: [String: AttributeValue], pasts: [(slot: Int, axis: Int)], inputs count: Int
  ) throws(PinionError) {
    let node = nodes[place]
    var inputs = node.inputs + [ValueID?](repeating: nil, count: count - node.inputs.count)
    for (slot, axis) in pasts {
      guard let past = inputs[slot] else { continue }
      let capacity = addValue("", type: .tensor(.int64, dims: []))
      self.inputs.append(capacity)
      held.append(HeldInput(past: past, capacity: capacity, axis: axis))
      inputs.append(capacity)
    }
    nodes[place] = try Node(type, name: node.name, attributes: attributes, inputs: inputs, outputs: node.outputs)
  }

  /// Gives copies to those who read what lies in a state without knowing it, and makes no values that nobody reads.
  private mutating func readElsewhere() throws(PinionError) {
    var readers: [Node] = []
    for held in held {
      var copy: ValueID?
      func read(_ value: ValueID?) -> ValueID? {
        guard value == held.past else { return value }
        let result = copy ?? addValue("", type: self[held.past].type)
        copy = result
        return result
      }
      for index in nodes.indices {
        let op = nodes[index].op
        for slot in nodes[index].inputs.indices where nodes[index].inputs[slot] == held.past {
          if op is any ShapeReading, slot == 0 { continue }
          if let op = op as? any StateAppending, op.appends.contains(where: { $0.past == slot }) { continue }
          nodes[index].inputs[slot] = read(held.past)
        }
      }
      for index in outputs.indices { outputs[index] = read(outputs[index]) ?? outputs[index] }
      if let copy {
        readers.append(
          try Node(ReadState.self, attributes: ["axis": .int(Int64(held.axis))], inputs: [held.past, held.capacity], outputs: [copy]))
      }
    }
    nodes = readers + nodes
    let uses = useCounts()
    for index in nodes.indices where nodes[index].op is any StateAppending {
      var outputs = nodes[index].outputs
      for slot in outputs.indices { if let output = outputs[slot], uses[output.index] == 0 { outputs[slot] = nil } }
      while outputs.last == .some(nil) { outputs.removeLast() }
      nodes[index].outputs = outputs
    }
  }
}

extension ValueType? {
  fileprivate var isTensor: Bool { if case .tensor? = self { true } else { false } }
}
