import PinionTensor

extension Recipe {
  static let signals: [Recipe] = [
    Recipe("HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix", from: 17, weight: 2) { g in
      if g.random.chance(0.2) {
        g.node("MelWeightMatrix", [g.ints([4], shape: []), g.ints([16], shape: []), g.ints([8000], shape: []), g.float(0), g.float(4000)])
      } else {
        g.node(g.random.pick(["HannWindow", "HammingWindow", "BlackmanWindow"]), [g.ints([g.random.int(1...9)], shape: [])], [("periodic", .int(g.random.below(2)))])
      }
    },
    Recipe("DFT", from: 17, weight: 2) { g in
      guard let x = g.new(g.random.pick([.float32, .float64]), [g.random.int(1...2), g.random.pick([1, 4, 5, 8, 12]), g.random.int(1...2)], .plain) else { return }
      let inverse = x.dims[2] == 2 ? g.random.below(2) : 0
      if g.opset < 20 { g.node("DFT", [x], [("axis", .int(1)), ("inverse", .int(inverse))]) } else
      { g.node("DFT", [x, nil, g.ints([1], shape: [])], [("inverse", .int(inverse)), ("onesided", .int(inverse == 0 && x.dims[2] == 1 ? g.random.below(2) : 0))]) }
    },
    Recipe("STFT", from: 17, weight: 1) { g in
      guard let x = g.new(.float32, [1, 32, 1], .plain), let step = g.ints([4], shape: []), let window = g.new(.float32, [8], .positive) else { return }
      g.node("STFT", [x, step, window], [("onesided", .int(1))])
    },
  ]
}
