import PinionTensor

extension GraphMaker {
  func sequence() -> Operand? {
    if random.chance(0.6), let found = existing(where: { if case .sequence = $0.value { true } else { false } }) { return found }
    guard let x = tensor(anything, ranks: 0...3), let element = x.element else { return nil }
    var items = [x]
    // An element may be there twice, be a view of another, an input or a weight.
    for _ in 0..<random.below(3) {
      if random.chance(0.3) { items.append(x) } else if let y = existing(where: { $0.element == element && $0.tensor != nil }) { items.append(y) }
    }
    return node("SequenceConstruct", random.shuffled(items))?.first
  }
}

extension Recipe {
  static let sequences: [Recipe] = [
    Recipe("SequenceConstruct", "SequenceAt", "SequenceInsert", "SequenceErase", "SequenceLength", "ConcatFromSequence", "SequenceEmpty", from: 11, weight: 10) { g in
      guard let s = g.sequence(), case .sequence(let items, let type) = s.value else { return }
      switch g.random.below(6) {
      case 0: g.node("SequenceAt", [s, g.indices([], below: items.count)])
      case 1:
        guard case .tensor(let element, _) = type, let x = g.tensor([element]) else { return }
        g.node("SequenceInsert", [s, x, g.random.chance(0.5) ? g.indices([], below: items.count + 1) : nil])
      case 2: g.node("SequenceErase", [s, g.random.chance(0.5) ? g.indices([], below: items.count) : nil])
      case 3: g.node("SequenceLength", [s])
      case 4: g.node("ConcatFromSequence", [s], [("axis", .int(0)), ("new_axis", .int(g.random.below(2)))])
      default:
        guard case .tensor(let element, _) = type, let empty = g.node("SequenceEmpty", [], [("dtype", .int(Int(element.rawValue)))])?.first, let x = g.tensor([element]) else { return }
        g.node("SequenceInsert", [empty, x])
      }
    },
    Recipe("SplitToSequence", from: 11, weight: 4) { g in
      guard let x = g.tensor(anything, ranks: 1...3) else { return }
      let axis = g.random.below(x.rank), extent = x.dims[axis]
      let split: Operand? = g.random.chance(0.4) || extent < 2 ? nil : g.random.chance(0.5) ? g.ints([2], shape: []) : g.ints([1, extent - 1])
      g.node("SplitToSequence", [x, split], [("axis", .int(axis)), ("keepdims", .int(g.random.below(2)))])
    },
    Recipe("SequenceMap", from: 17, weight: 2) { g in
      guard g.depth < 2, let s = g.sequence(), case .sequence(let items, let type) = s.value, let first = items.first, case .tensor(let element, _) = type else { return }
      _ = element
      let name = g.freshName("e")
      guard let body = g.subgraph(inputs: [ValueSpec(name: name, type: first.openType)], values: [first], { g, arguments in
        g.addNodes(g.random.below(3))
        if g.random.chance(0.5) { g.view(of: arguments[0]) }
        guard let result = g.result(where: { $0.tensor != nil && $0.count < 600 }) else { return nil }
        return [ValueSpec(name: result.name, type: result.value.openType)]
      }) else { return }
      g.node("SequenceMap", [s], [("body", .graph(body))])
    },
    Recipe("Identity", from: 14, weight: 1) { g in
      guard let s = g.sequence() else { return }
      g.node("Identity", [s])
    },
    Recipe("Optional", "OptionalGetElement", "OptionalHasElement", from: 15, weight: 4) { g in
      let content: Operand? = g.random.chance(0.3) ? g.sequence() : g.tensor(anything)
      guard let content, let optional = g.node("Optional", [content])?.first else { return }
      if g.random.chance(0.5) { g.node("OptionalGetElement", [optional]) }
      if g.random.chance(0.3) { g.node("OptionalHasElement", [optional]) }
      // Its value is a tensor, its type is not: no operator on tensors takes it, and no scan output is one.
      if content.tensor != nil { g.scopes[g.depth].operands.removeAll { $0.name == optional.name } }
    },
  ]
}
