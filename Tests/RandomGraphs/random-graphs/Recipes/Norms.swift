import PinionTensor

extension Recipe {
  static let norms: [Recipe] = [
    Recipe("BatchNormalization", from: 9, weight: 3) { g in
      guard let x = g.tensor(commonFloats, ranks: 2...4), let element = x.element else { return }
      let parameters = [g.new(element, [x.dims[1]], .positive), g.new(element, [x.dims[1]]), g.new(element, [x.dims[1]], .plain), g.new(element, [x.dims[1]], .positive)]
      g.node("BatchNormalization", [x] + parameters)
    },
    Recipe("InstanceNormalization", weight: 2) { g in
      guard let x = g.picture(commonFloats), let element = x.element else { return }
      g.node("InstanceNormalization", [x, g.new(element, [x.dims[1]], .plain), g.new(element, [x.dims[1]], .plain)])
    },
    Recipe("LayerNormalization", "RMSNormalization", from: 17, weight: 5) { g in
      guard let x = g.tensor(floats, ranks: 1...4, .plain), let element = x.element else { return }
      let axis = g.random.below(x.rank), dims = Array(x.dims[axis...])
      let written = g.random.chance(0.5) ? axis - x.rank : axis
      if g.opset >= 23, g.random.chance(0.4) { g.node("RMSNormalization", [x, g.new(element, dims)], [("axis", .int(written))]) } else {
        g.node("LayerNormalization", [x, g.new(element, dims), g.random.chance(0.6) ? g.new(element, dims) : nil], outputs: g.random.pick([1, 1, 3]), [("axis", .int(written))])
      }
    },
    // The same norm in pieces, which passes recognise.
    Recipe("ReduceMean", "Sub", "Pow", "Add", "Sqrt", "Div", "Mul", weight: 3) { g in
      guard let x = g.tensor([.float32, .float64], ranks: 2...3, .plain), let element = x.element, g.opset < 18, let last = x.dims.last,
        let mean = g.node("ReduceMean", [x], [("axes", .ints([-1])), ("keepdims", .int(1))])?.first, let d = g.node("Sub", [x, mean])?.first,
        let two = g.new(element, [], .positive), let exponent = element == .float32 ? g.float(2) : two, let square = g.node("Pow", [d, exponent])?.first,
        let variance = g.node("ReduceMean", [square], [("axes", .ints([-1])), ("keepdims", .int(1))])?.first, let epsilon = g.new(element, g.random.pick([[], [], [1], [1, 1, 1, 1]]), .positive),
        let s = g.node("Add", [variance, epsilon])?.first, let root = g.node("Sqrt", [s])?.first, let y = g.node("Div", [d, root])?.first,
        let scale = g.new(element, [last]), let z = g.node("Mul", [y, scale])?.first
      else { return }
      if g.random.chance(0.7), let shift = g.new(element, [last]) { g.node("Add", [z, shift]) }
    },
    Recipe("GroupNormalization", from: 18, weight: 2) { g in
      guard let x = g.picture(commonFloats), let element = x.element, x.dims[1] % 2 == 0 else { return }
      let count = g.opset >= 21 ? x.dims[1] : 2
      g.node("GroupNormalization", [x, g.new(element, [count], .plain), g.new(element, [count], .plain)], [("num_groups", .int(2))])
    },
    Recipe("LpNormalization", "MeanVarianceNormalization", from: 9, weight: 2) { g in
      guard let x = g.picture([.float32]) else { return }
      if g.random.chance(0.5) { g.node("LpNormalization", [x], [("p", .int(g.random.int(1...2))), ("axis", .int(g.random.below(4)))]) } else { g.node("MeanVarianceNormalization", [x]) }
    },
    Recipe("SimplifiedLayerNormalization", weight: 1) { g in
      guard let x = g.tensor([.float32], ranks: 2...3), let last = x.dims.last else { return }
      g.node("SimplifiedLayerNormalization", [x, g.new(.float32, [last])])
    },
  ]
}
