import PinionTensor

extension GraphMaker {
  /// Indices below `extent`, some from the end.
  func indices(_ dims: [Int], below extent: Int, _ element: ElementType? = nil, isUnsigned: Bool = false) -> Operand? {
    guard extent > 0 else { return nil }
    let count = dims.reduce(1, *)
    let values = (0..<count).map { _ in random.below(extent) - (!isUnsigned && random.chance(0.15) ? extent : 0) }
    guard let tensor = try? Tensor.ints(values, element ?? random.pick([.int64, .int64, .int32]), shape: dims) else { return nil }
    return add(tensor)
  }
}

extension Recipe {
  /// Operators that pick elements by index, and those whose shapes depend on values.
  static let gathering: [Recipe] = [
    Recipe("Gather", weight: 8) { g in
      guard let x = g.tensor(anything, ranks: 1...4) else { return }
      let axis = g.random.below(x.rank)
      guard let indices = g.indices(g.random.pick([[], [1], [3], [2, 2]]), below: x.dims[axis], isUnsigned: g.opset < 11) else { return }
      g.node("Gather", [x, indices], [("axis", .int(axis))])
    },
    Recipe("GatherElements", "ScatterElements", "Scatter", from: 11) { g in
      guard let x = g.tensor(numbers, ranks: 1...3), let element = x.element else { return }
      let axis = g.random.below(x.rank)
      let dims = x.dims.enumerated().map { $0.offset == axis ? g.random.int(1...3) : g.random.int(0...$0.element) }
      guard let indices = g.indices(dims, below: x.dims[axis]) else { return }
      if g.random.chance(0.5) { g.node("GatherElements", [x, indices], [("axis", .int(axis))]) } else {
        guard let updates = g.new(element, dims) else { return }
        if g.opset < 11 { g.node("Scatter", [x, indices, updates], [("axis", .int(axis))]) } else {
          let reduction = g.opset >= 18 ? g.random.pick(["none", "add", "mul", "max", "min"]) : "none"
          g.node("ScatterElements", [x, indices, updates], [("axis", .int(axis))] + (reduction == "none" ? [] : [("reduction", .string(reduction))]))
        }
      }
    },
    Recipe("GatherND", "ScatterND", from: 12) { g in
      guard let x = g.tensor(numbers, ranks: 1...3), let element = x.element, !x.dims.contains(0) else { return }
      let depth = g.random.int(1...x.rank), count = g.random.int(1...3)
      var tuples: [Int] = []
      for _ in 0..<count { for axis in 0..<depth { tuples.append(g.random.below(x.dims[axis])) } }
      guard let indices = g.ints(tuples, shape: [count, depth]) else { return }
      if g.random.chance(0.5) { g.node("GatherND", [x, indices]) } else {
        guard let updates = g.new(element, [count] + x.dims[depth...]) else { return }
        let reduction = g.opset >= 18 ? g.random.pick(["none", "add", "mul", "max", "min"]) : "none"
        g.node("ScatterND", [x, indices, updates], reduction == "none" ? [] : [("reduction", .string(reduction))])
      }
    },
    Recipe("TensorScatter", from: 24, weight: 2) { g in
      let batch = g.random.int(1...2), depth = g.random.int(1...4)
      guard let past = g.new(.float32, [batch, 6, depth]), let update = g.new(.float32, [batch, 2, depth]) else { return }
      g.node("TensorScatter", [past, update, g.random.chance(0.5) ? g.ints((0..<batch).map { _ in g.random.int(0...4) }) : nil], [("axis", .int(1))])
    },
    Recipe("OneHot", from: 9, weight: 2) { g in
      guard let indices = g.indices(g.shape(rank: g.random.int(1...2)), below: 5), let depth = g.ints([5], shape: []), let values = g.new(.float32, [2]) else { return }
      g.node("OneHot", [indices, depth, values], [("axis", .int(g.random.pick([-1, 0])))])
    },
    Recipe("Compress", from: 9) { g in
      guard let x = g.tensor(anything, ranks: 1...3) else { return }
      let axis = g.random.below(x.rank)
      guard let condition = g.new(.bool, [x.dims[axis]]) else { return }
      g.node("Compress", [x, condition], g.random.chance(0.2) ? [] : [("axis", .int(axis))])
    },
    Recipe("NonZero", from: 9) { g in
      guard let x = g.tensor(numbers + [.bool], ranks: 1...3, .ties) else { return }
      g.node("NonZero", [x])
    },
    Recipe("Unique", from: 11) { g in
      guard let x = g.tensor([.float32, .int64, .int32, .string, .float64], ranks: 1...3, .ties) else { return }
      let outputs = g.random.int(1...4)
      g.node("Unique", [x], outputs: outputs, [("sorted", .int(g.random.below(2)))] + (g.random.chance(0.5) ? [("axis", .int(g.random.below(x.rank)))] : []))
    },
    Recipe("TopK", from: 10) { g in
      guard let x = g.tensor(g.opset < 11 ? floats : [.float32, .float64, .int32, .int64], ranks: 1...3) else { return }
      let axis = g.random.below(x.rank)
      guard x.dims[axis] > 0 else { return }
      let attributes: [(name: String, value: AttributeSpec)] = g.opset < 11 ? [] : [("largest", .int(g.random.below(2)))]
      g.node("TopK", [x, g.ints([g.random.int(0...x.dims[axis])], shape: [1])], outputs: 2, [("axis", .int(axis))] + attributes)
    },
  ]
}
