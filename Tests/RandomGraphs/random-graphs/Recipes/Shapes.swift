import PinionTensor

extension Recipe {
  /// Operators that tell, make or join shapes.
  static let shapes: [Recipe] = [
    Recipe("Shape", "Size", weight: 8) { g in
      guard let x = g.tensor(anything) else { return }
      if g.random.chance(0.3) { g.node("Size", [x]) } else
      if g.opset >= 15, g.random.chance(0.4), x.rank > 0 { g.node("Shape", [x], [("start", .int(g.axis(x.rank))), ("end", .int(x.rank))]) } else
      { g.node("Shape", [x]) }
    },
    // A shape computed in the graph and then used: what exporters write for views of open extents.
    Recipe("Shape", "Gather", "Concat", "Reshape", "Unsqueeze", weight: 8) { g in
      guard let x = g.tensor(numbers, ranks: 1...4), let shape = g.node("Shape", [x])?.first, let zero = g.ints([0], shape: [1]),
        let first = g.node("Gather", [shape, zero])?.first, let rest = g.ints([-1]), let target = g.node("Concat", [first, rest], [("axis", .int(0))])?.first
      else { return }
      g.node("Reshape", [x, target])
    },
    Recipe("Concat", weight: 10) { g in
      guard let x = g.tensor(anything, ranks: 1...4), let element = x.element else { return }
      let axis = g.random.below(x.rank)
      var parts = [x]
      for _ in 0..<g.random.int(0...2) {
        if g.random.chance(0.5), let found = g.existing(where: { other in
          other.element == element && other.rank == x.rank && (0..<x.rank).allSatisfy { $0 == axis || other.dims[$0] == x.dims[$0] }
        }) {
          parts.append(found)
        } else {
          var dims = x.dims
          dims[axis] = g.random.int(0...4)
          if let part = g.new(element, dims) { parts.append(part) }
        }
      }
      g.node("Concat", g.random.shuffled(parts), [("axis", .int(g.opset >= 11 && g.random.chance(0.3) ? axis - x.rank : axis))])
    },
    Recipe("Pad") { g in
      guard let x = g.tensor(numbers + [.bool], ranks: 1...4), let element = x.element else { return }
      let pads = (0..<2 * x.rank).map { _ in g.random.pick([0, 0, 1, 2, -1]) }
      let mode = g.random.pick(["constant", "constant", "reflect", "edge"] + (g.opset >= 19 ? ["wrap"] : []))
      if g.opset < 11 {
        g.node("Pad", [x], [("pads", .ints(pads)), ("mode", .string(mode)), ("value", .float(0.5))])
      } else {
        g.node("Pad", [x, g.ints(pads), mode == "constant" && g.random.chance(0.6) ? g.new(element, [], .plain) : nil], [("mode", .string(mode))])
      }
    },
    Recipe("Tile") { g in
      guard let x = g.tensor(anything, ranks: 1...4) else { return }
      g.node("Tile", [x, g.ints((0..<x.rank).map { _ in g.random.pick([1, 1, 2, 3]) })])
    },
    Recipe("ConstantOfShape", from: 9) { g in
      let element = g.random.pick(numbers + [.bool])
      guard let shape = g.ints(g.shape(rank: g.random.below(4))), let value = try? g.random.tensor(element, [1]) else { return }
      g.node("ConstantOfShape", [shape], g.random.chance(0.8) ? [("value", .tensor(value))] : [])
    },
    Recipe("Range", from: 11) { g in
      let start = g.random.int(-3...3), delta = g.random.pick([1, 2, -1])
      g.node("Range", [g.ints([start], shape: []), g.ints([start + delta * g.random.below(7)], shape: []), g.ints([delta], shape: [])])
    },
    Recipe("EyeLike", "Trilu", from: 14) { g in
      guard let x = g.tensor([.float32, .int64, .float64], ranks: 2...2) else { return }
      if g.random.chance(0.3) { g.node("EyeLike", [x], [("k", .int(g.random.int(-1...1)))]) } else
      { g.node("Trilu", [x, g.random.chance(0.5) ? g.ints([g.random.int(-2...2)], shape: []) : nil], [("upper", .int(g.random.below(2)))]) }
    },
    Recipe("DepthToSpace", "SpaceToDepth", from: 11, weight: 2) { g in
      if g.random.chance(0.5) {
        guard let x = g.new(g.random.pick(commonFloats), [g.random.int(1...2), 4 * g.random.int(1...2), g.random.int(1...3), 2]) else { return }
        g.node("DepthToSpace", [x], [("blocksize", .int(2)), ("mode", .string(g.random.pick(["DCR", "CRD"])))])
      } else {
        guard let x = g.new(.float32, [1, g.random.int(1...3), 2 * g.random.int(1...3), 4]) else { return }
        g.node("SpaceToDepth", [x], [("blocksize", .int(2))])
      }
    },
    Recipe("CenterCropPad", from: 18, weight: 2) { g in
      guard let x = g.tensor(numbers, ranks: 1...3) else { return }
      g.node("CenterCropPad", [x, g.ints((0..<x.rank).map { _ in g.random.int(1...6) })])
    },
    Recipe("ReverseSequence", from: 10, weight: 2) { g in
      guard let x = g.tensor(numbers, ranks: 2...4), x.dims[0] > 0 else { return }
      guard let lengths = g.ints((0..<x.dims[1]).map { _ in g.random.int(0...x.dims[0]) }) else { return }
      g.node("ReverseSequence", [x, lengths], [("batch_axis", .int(1)), ("time_axis", .int(0))])
    },
  ]
}
