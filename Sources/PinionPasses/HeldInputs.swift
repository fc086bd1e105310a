import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

extension Graph {
  /// Makes the nodes that put values of earlier runs and new ones together write the new ones behind the others, in memory that a state
  /// holds. Readers that need them as a tensor get a copy.
  /// - Parameters:
  ///   - pairs: inputs of the graph, each with the value that a run makes of it for the next one. Where this has another reader than the
  ///     state, in nodes or as an output, it is made as well.
  ///   - replaced: the pairs that are to be left as they are.
  /// - Returns: for each pair whether it is so; what the others give for the next run is added to the graph's outputs.
  package mutating func hold(_ pairs: [(past: ValueID, present: ValueID)], replaced: Set<Int> = []) throws(PinionError) -> [Bool] {
    let producers = producers(), readers = readers()
    var inState = [Bool](repeating: false, count: pairs.count)
    // The values that nobody else makes and takes.
    func pair(_ past: ValueID?, _ present: ValueID?) -> Int? {
      guard let past, let present, pairs.count(where: { $0.past == past || $0.present == present }) == 1 else { return nil }
      return pairs.firstIndex { $0.past == past && $0.present == present }.flatMap { replaced.contains($0) ? nil : $0 }
    }
    var dead: Set<Int> = []
    for place in nodes.indices where nodes[place].op is Attention {
      try holdConcatenated(place, &inState, &dead, producers, readers, pair)
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
      default: continue
      }
    }
    for place in nodes.indices {
      guard let form = AttentionForm(nodes[place].op) else { continue }
      try holdAttention(place, form, &inState, &dead, producers, readers, pair)
    }
    for (pair, isInState) in zip(pairs, inState) where !isInState {
      // What passes through stays where it is.
      var present = pair.present
      while let place = producers[present.index], nodes[place].op is Identity, let source = nodes[place].inputs[0], self[source].type.isTensor {
        present = source
      }
      outputs.append(present)
    }
    // Now that the graph's outputs are all there.
    remove(dead)
    try readElsewhere()
    return inState
  }

  /// The nodes that read each value, by the value's index.
  private func readers() -> [Int: [Int]] {
    var readers: [Int: [Int]] = [:]
    for (index, node) in nodes.enumerated() { for input in node.inputs { if let input { readers[input.index, default: []].append(index) } } }
    return readers
  }

  /// Removes nodes whose outputs others make now, and conversions that nobody reads any more.
  private mutating func remove(_ dead: Set<Int>) {
    guard !dead.isEmpty else { return }
    nodes = nodes.indices.filter { !dead.contains($0) }.map { nodes[$0] }
    let uses = useCounts()
    nodes.removeAll { node in node.op is Cast && node.outputs.allSatisfy { $0.map { uses[$0.index] == 0 } ?? true } }
  }

  /// The axis, where rows of it may come and go.
  private func growing(_ value: ValueID, along axis: Int64) -> Int? {
    guard case .tensor(let element, let dims?)? = self[value].type, element != .string, axis >= -Int64(dims.count), axis < Int64(dims.count)
    else { return nil }
    let axis = Int(axis < 0 ? axis + Int64(dims.count) : axis)
    if case .known = dims[axis] { return nil }
    return axis
  }

  /// An attention operator with caches, and the one that has them in a state.
  private struct AttentionForm {
    let type: any Operator.Type
    /// The slot of the earlier keys; the values are behind it.
    let pasts: Int
    /// How many inputs it may have.
    let inputs: Int
    let elements: ElementTypes
    /// Whether each sequence ends where the run says, perhaps within a cache that does not grow.
    let hasLengths: Bool

    init?(_ op: any Operator) {
      switch op {
      case is Attention: (type, pasts, inputs, elements, hasLengths) = (AttentionOverState.self, 4, 7, .floats, false)
      case is MultiHeadAttention: (type, pasts, inputs, elements, hasLengths) = (MultiHeadAttentionOverState.self, 6, 10, .floats, false)
      case is GroupQueryAttention: (type, pasts, inputs, elements, hasLengths) = (GroupQueryAttentionOverState.self, 3, 17, .floats, true)
      default: return nil
      }
    }
  }

  /// The cache in a slot of an attention node, from where the state has it to where the state takes it: the node's operands, or in half
  /// precision what they are converted from and to where the node computes in float32.
  private func cache(
    _ place: Int, slot: Int, output: Int, _ producers: [Int?], _ readers: [Int: [Int]]
  ) -> (past: ValueID, present: ValueID, casts: [Int])? {
    let node = nodes[place]
    guard let past = node.inputs[slot], let present = node.outputs[output] else { return nil }
    guard let widening = producers[past.index], let widen = nodes[widening].op as? Cast, widen.to == .float32, let source = nodes[widening].inputs[0],
      case .tensor(let element, _)? = self[source].type, element == .float16 || element == .bfloat16
    else { return (past, present, []) }
    guard let reader = readers[present.index], reader.count == 1, !outputs.contains(present), let narrow = nodes[reader[0]].op as? Cast,
      narrow.to == element, let target = nodes[reader[0]].outputs[0]
    else { return nil }
    return (source, target, reader)
  }

  private mutating func holdAttention(
    _ place: Int, _ form: AttentionForm, _ inState: inout [Bool], _ dead: inout Set<Int>, _ producers: [Int?], _ readers: [Int: [Int]],
    _ pair: (ValueID?, ValueID?) -> Int?
  ) throws(PinionError) {
    var node = nodes[place]
    let pasts = form.pasts
    func isHeld(_ value: ValueID) -> Bool {
      guard case .tensor(let element, let dims?)? = self[value].type, form.elements.contains(element) else { return false }
      return form.hasLengths ? dims.count == 4 : growing(value, along: 2) != nil
    }
    // The scores are no output of those that write to a state.
    guard node.inputs.count > pasts + 1, node.inputs.dropFirst(form.inputs).allSatisfy({ $0 == nil }), node.outputs.count >= 3,
      node.outputs.dropFirst(3).allSatisfy({ $0 == nil }), let keys = cache(place, slot: pasts, output: 1, producers, readers),
      let values = cache(place, slot: pasts + 1, output: 2, producers, readers), let key = pair(keys.past, keys.present),
      let value = pair(values.past, values.present), key != value, isHeld(keys.past), isHeld(values.past)
    else { return }
    (node.inputs[pasts], node.inputs[pasts + 1]) = (keys.past, values.past)
    (node.outputs[1], node.outputs[2]) = (keys.present, values.present)
    node.inputs = Array(node.inputs.prefix(form.inputs))
    nodes[place] = node
    dead.formUnion(keys.casts + values.casts)
    try append(
      place, by: form.type, attributes: node.attributes, pasts: [(pasts, 2), (pasts + 1, 2)], inputs: form.inputs, hasLengths: form.hasLengths)
    inState[key] = true
    inState[value] = true
  }

  /// Keys or values in half precision that a Concat puts together for one attention.
  private struct Concatenated {
    let concat: Int
    /// What makes them float32 for it; nil where it reads them as they are.
    let cast: Int?
    let past: ValueID
    let new: ValueID
    let present: ValueID
    let pair: Int
  }

  private func concatenated(
    _ value: ValueID?, of place: Int, _ producers: [Int?], _ readers: [Int: [Int]], _ pair: (ValueID?, ValueID?) -> Int?
  ) -> Concatenated? {
    guard let value, readers[value.index] == [place] else { return nil }
    var cast: Int?, present = value
    if let maker = producers[value.index], let widen = nodes[maker].op as? Cast, widen.to == .float32, let source = nodes[maker].inputs[0] {
      guard readers[source.index] == [maker], !outputs.contains(value) else { return nil }
      (cast, present) = (maker, source)
    }
    guard let concat = producers[present.index], nodes[concat].op is Concat, nodes[concat].inputs.count == 2, case .int(let axis)? = nodes[concat].attributes["axis"],
      let past = nodes[concat].inputs[0], let new = nodes[concat].inputs[1], let pair = pair(past, present), growing(past, along: axis) == 2,
      case .tensor(let element, let dims?)? = self[past].type, element == .float16 || element == .bfloat16, dims.count == 4
    else { return nil }
    return Concatenated(concat: concat, cast: cast, past: past, new: new, present: present, pair: pair)
  }

  /// Makes attention whose keys and values come from Concat, in half precision, append to them: passes leave it so, because without a state it
  /// would convert all rows and then those that it gives out.
  private mutating func holdConcatenated(
    _ place: Int, _ inState: inout [Bool], _ dead: inout Set<Int>, _ producers: [Int?], _ readers: [Int: [Int]], _ pair: (ValueID?, ValueID?) -> Int?
  ) throws(PinionError) {
    let node = nodes[place]
    guard (3...4).contains(node.inputs.count), node.outputs.count == 1, hasWholeWindow(node),
      let keys = concatenated(node.inputs[1], of: place, producers, readers, pair),
      let values = concatenated(node.inputs[2], of: place, producers, readers, pair),
      case .tensor(_, let keyDims?)? = self[keys.past].type, case .tensor(_, let valueDims?)? = self[values.past].type,
      case .symbol = keyDims[2], keyDims[2] == valueDims[2]
    else { return }
    // The conversion of all rows becomes that of the new ones, in the place of the Concat, and what this gave comes from attention.
    var inputs = node.inputs.prefix(4) + [ValueID?](repeating: nil, count: 4 - node.inputs.count)
    for (slot, part) in [(1, keys), (2, values)] {
      if let cast = part.cast {
        let wide = addValue("", type: nil)
        nodes[part.concat] = try Node(
          Cast.self, name: nodes[cast].name, attributes: ["to": .int(Int64(ElementType.float32.rawValue))], inputs: [part.new], outputs: [wide])
        inputs[slot] = wide
        dead.insert(cast)
      } else {
        inputs[slot] = part.new
        dead.insert(part.concat)
      }
      inputs.append(part.past)
      inState[part.pair] = true
    }
    nodes[place].inputs = Array(inputs)
    nodes[place].outputs = node.outputs + [keys.present, values.present]
    try append(place, by: AttentionOverState.self, attributes: node.attributes, pasts: [(4, 2), (5, 2)], inputs: 7)
  }

  /// Replaces a node by one that appends to what lies in the slots `pasts`, whose room comes in further inputs.
  private mutating func append(
    _ place: Int, by type: any Operator.Type, attributes: [String: AttributeValue], pasts: [(slot: Int, axis: Int)], inputs count: Int,
    hasLengths: Bool = false
  ) throws(PinionError) {
    let node = nodes[place]
    var inputs = node.inputs + [ValueID?](repeating: nil, count: count - node.inputs.count)
    for (slot, axis) in pasts {
      guard let past = inputs[slot] else { continue }
      let capacity = addValue("", type: .tensor(.int64, dims: hasLengths ? [.unknown] : []))
      self.inputs.append(capacity)
      held.append(HeldInput(past: past, capacity: capacity, axis: axis, hasLengths: hasLengths))
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
          if type(of: op).readsShapes, slot == 0 { continue }
          if let op = op.stateAppending, op.appends.contains(where: { $0.past == slot }) { continue }
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
    for index in nodes.indices where nodes[index].op.stateAppending != nil {
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
