import PinionTensor

extension Recipe {
  static let training: [Recipe] = [
    Recipe("SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss", from: 12, weight: 2) { g in
      let (rows, classes) = (g.random.int(1...5), g.random.int(1...4))
      guard let x = g.new(.float32, [rows, classes], .plain), let target = g.indices([rows], below: classes, isUnsigned: true) else { return }
      let weight = g.random.chance(0.4) ? g.new(.float32, [classes], .positive) : nil
      let reduction: (name: String, value: AttributeSpec) = ("reduction", .string(g.random.pick(["none", "mean", "sum"])))
      if g.random.chance(0.5) { g.node("SoftmaxCrossEntropyLoss", [x, target, weight], outputs: g.random.int(1...2), [reduction]) } else
      { g.node("NegativeLogLikelihoodLoss", [x, target, weight], [reduction]) }
    },
    Recipe("ai.onnx.preview.training::Adagrad", "ai.onnx.preview.training::Adam", "ai.onnx.preview.training::Momentum", weight: 1) { g in
      let domain = "ai.onnx.preview.training"
      guard let x = g.tensor([.float32], ranks: 1...2, .plain), let rate = g.float(0.1), let step = g.ints([1], shape: []), let gradient = g.new(.float32, x.dims, .plain), let state = g.new(.float32, x.dims, .positive) else { return }
      switch g.random.below(3) {
      case 0: g.node("Adagrad", [rate, step, x, gradient, state], outputs: 2, domain: domain)
      case 1: g.node("Momentum", [rate, step, x, gradient, state], outputs: 2, [("alpha", .float(0.9)), ("beta", .float(0.5)), ("mode", .string("standard")), ("norm_coefficient", .float(0.01))], domain: domain)
      default: g.node("Adam", [rate, step, x, gradient, state, g.new(.float32, x.dims, .positive)], outputs: 3, domain: domain)
      }
    },
  ]
}
