import PinionTensor

extension Recipe {
  private static let domain = "com.microsoft"

  static let microsoft: [Recipe] = [
    Recipe("com.microsoft::Gelu", "com.microsoft::QuickGelu", "com.microsoft::FastGelu", "com.microsoft::BiasGelu", weight: 3) { g in
      guard let x = g.tensor([.float32], ranks: 1...3), let last = x.dims.last else { return }
      switch g.random.below(4) {
      case 0: g.node("Gelu", [x], domain: domain)
      case 1: g.node("QuickGelu", [x], [("alpha", .float(1.702))], domain: domain)
      case 2: g.node("FastGelu", [x, g.random.chance(0.5) ? g.new(.float32, [last]) : nil], domain: domain)
      default: g.node("BiasGelu", [x, g.new(.float32, [last])], domain: domain)
      }
    },
    Recipe("com.microsoft::SkipLayerNormalization", "com.microsoft::SkipSimplifiedLayerNormalization", weight: 3) { g in
      guard let x = g.tensor([.float32], ranks: 3...3, .plain), let skip = g.new(.float32, x.dims, .plain), let gamma = g.new(.float32, [x.dims[2]], .plain) else { return }
      let beta = g.random.chance(0.5) ? g.new(.float32, [x.dims[2]], .plain) : nil, bias = g.random.chance(0.5) ? g.new(.float32, [x.dims[2]], .plain) : nil
      let named = [true, false, false, g.random.chance(0.5)]
      if g.random.chance(0.5) { g.node("SkipLayerNormalization", [x, skip, gamma, beta, bias], outputs: 4, domain: domain, named: named) } else
      { g.node("SkipSimplifiedLayerNormalization", [x, skip, gamma, bias], outputs: 4, domain: domain, named: named) }
    },
    Recipe("com.microsoft::FusedMatMul", "com.microsoft::FusedGemm", "com.microsoft::FusedConv", weight: 2) { g in
      switch g.random.below(3) {
      case 0:
        guard let x = g.tensor([.float32], ranks: 2...3, .plain), let k = x.dims.last, let y = g.new(.float32, [3, k], .plain) else { return }
        g.node("FusedMatMul", [x, y], [("transB", .int(1)), ("alpha", .float(0.5))], domain: domain)
      case 1:
        guard let x = g.tensor([.float32], ranks: 2...2, .plain), let y = g.new(.float32, [x.dims[1], 3], .plain) else { return }
        g.node("FusedGemm", [x, y, g.new(.float32, [3], .plain)], [("activation", .string(g.random.pick(["Relu", "Tanh", "Sigmoid"])))], domain: domain)
      default:
        guard let x = g.picture([.float32]), let w = g.new(.float32, [2, x.dims[1], 2, 2], .plain) else { return }
        g.node("FusedConv", [x, w, g.new(.float32, [2], .plain)], [("activation", .string("Relu"))], domain: domain)
      }
    },
    Recipe("com.microsoft::CDist", weight: 1) { g in
      guard let x = g.tensor([.float32, .float64], ranks: 2...2, .plain), let element = x.element, let y = g.new(element, [g.random.int(1...3), x.dims[1]], .plain) else { return }
      g.node("CDist", [x, y], [("metric", .string(g.random.pick(["euclidean", "sqeuclidean"])))], domain: domain)
    },
    Recipe("com.microsoft::MultiHeadAttention", weight: 2) { g in
      let (batch, rows, columns, heads, depth) = (g.random.int(1...2), g.random.int(1...3), g.random.int(1...4), g.random.int(1...2), 4)
      guard let q = g.new(.float32, [batch, rows, heads * depth], .plain), let k = g.new(.float32, [batch, columns, heads * depth], .plain), let v = g.new(.float32, [batch, columns, heads * depth], .plain) else { return }
      let bias = g.random.chance(0.4) ? g.new(.float32, [3 * heads * depth], .plain) : nil
      let past = g.random.chance(0.4) ? g.random.pick([0, 2]) : nil
      let pastKey = past.flatMap { g.new(.float32, [batch, heads, $0, depth], .plain) }, pastValue = past.flatMap { g.new(.float32, [batch, heads, $0, depth], .plain) }
      g.node("MultiHeadAttention", [q, k, v, bias, nil, nil, pastKey, pastValue], outputs: past == nil ? 1 : 3, [("num_heads", .int(heads))], domain: domain)
    },
    Recipe("com.microsoft::Attention", weight: 2) { g in
      let (batch, rows, heads, depth) = (g.random.int(1...2), g.random.int(1...4), g.random.int(1...2), 4)
      let hidden = heads * depth
      guard let x = g.new(.float32, [batch, rows, hidden], .plain), let w = g.new(.float32, [hidden, 3 * hidden], .plain), let b = g.new(.float32, [3 * hidden], .plain) else { return }
      let past = g.random.chance(0.4) ? g.new(.float32, [2, batch, heads, g.random.pick([0, 3]), depth], .plain) : nil
      g.node("Attention", [x, w, b, nil, past], outputs: past == nil ? 1 : 2, [("num_heads", .int(heads)), ("unidirectional", .int(g.random.below(2)))], domain: domain)
    },
    Recipe("com.microsoft::GroupQueryAttention", weight: 2) { g in
      let (batch, rows, heads, keyHeads, depth, past) = (1, g.random.int(1...3), 2, g.random.int(1...2), 8, g.random.pick([0, 2]))
      guard let q = g.new(.float32, [batch, rows, heads * depth], .plain), let k = g.new(.float32, [batch, rows, keyHeads * depth], .plain), let v = g.new(.float32, [batch, rows, keyHeads * depth], .plain),
        let pastKey = g.new(.float32, [batch, keyHeads, past, depth], .plain), let pastValue = g.new(.float32, [batch, keyHeads, past, depth], .plain),
        let lengths = g.ints([past + rows - 1], .int32), let total = g.ints([past + rows], .int32, shape: [])
      else { return }
      g.node("GroupQueryAttention", [q, k, v, pastKey, pastValue, lengths, total], outputs: 3, [("num_heads", .int(heads)), ("kv_num_heads", .int(keyHeads))], domain: domain)
    },
    Recipe("com.microsoft::RotaryEmbedding", weight: 1) { g in
      guard let x = g.new(.float32, [1, 2, 3, 4], .plain), let places = g.ints([0, 1, 2], shape: [1, 3]), let cosines = g.new(.float32, [6, 2], .plain), let sines = g.new(.float32, [6, 2], .plain) else { return }
      g.node("RotaryEmbedding", [x, places, cosines, sines], domain: domain)
    },
    Recipe("com.microsoft::EmbedLayerNormalization", weight: 1) { g in
      let hidden = 4
      guard let ids = g.new(.int32, [2, 3], .positive), let segments = g.ints([0, 1, 1, 0, 0, 1], .int32, shape: [2, 3]), let words = g.new(.float32, [9, hidden], .plain),
        let places = g.new(.float32, [5, hidden], .plain), let kinds = g.new(.float32, [2, hidden], .plain), let gamma = g.new(.float32, [hidden], .plain), let beta = g.new(.float32, [hidden], .plain)
      else { return }
      g.node("EmbedLayerNormalization", [ids, segments, words, places, kinds, gamma, beta], outputs: 2, domain: domain)
    },
    Recipe("com.microsoft::MatMulNBits", weight: 2) { g in
      let k = g.random.pick([16, 32, 40]), n = g.random.int(1...6), block = 16, blocks = (k + 15) / 16
      guard let x = g.new(.float32, [g.random.int(1...3), k], .plain), let w = g.new(.uint8, [n, blocks, 8], .special, source: .initializer), let scales = g.new(.float32, [n * blocks], .positive, source: .initializer) else { return }
      g.node("MatMulNBits", [x, w, scales], [("K", .int(k)), ("N", .int(n)), ("bits", .int(4)), ("block_size", .int(block))], domain: domain)
    },
    Recipe("com.microsoft::DynamicQuantizeMatMul", "com.microsoft::MatMulIntegerToFloat", weight: 2) { g in
      let k = g.random.int(1...8), n = g.random.int(1...5)
      guard let w = g.new(.int8, [k, n], .special), let scale = g.scale() else { return }
      if g.random.chance(0.5) {
        guard let x = g.new(.float32, [2, k], .plain) else { return }
        g.node("DynamicQuantizeMatMul", [x, w, scale, nil, g.random.chance(0.5) ? g.new(.float32, [n], .plain) : nil], domain: domain)
      } else {
        guard let (x, xScale, xZero) = g.quantized([2, k], .uint8) else { return }
        g.node("MatMulIntegerToFloat", [x, w, xScale, scale, xZero], domain: domain)
      }
    },
    Recipe("com.microsoft::QLinearAdd", "com.microsoft::QLinearMul", "com.microsoft::QLinearSigmoid", "com.microsoft::QLinearLeakyRelu", "com.microsoft::QGemm", weight: 4) { g in
      guard let (x, xScale, xZero) = g.quantized(g.shape(rank: g.random.int(1...4))), let element = x.element, let out = g.scale(), let zero = g.zeroPoint(element, like: out) else { return }
      switch g.random.below(4) {
      case 0: g.node("QLinearSigmoid", [x, xScale, xZero, out, zero], domain: domain)
      case 1: g.node("QLinearLeakyRelu", [x, xScale, xZero, out, zero], [("alpha", .float(0.25))], domain: domain)
      case 2:
        guard let y = g.partner(of: x), let yScale = g.scale(), let yZero = g.zeroPoint(element, like: yScale) else { return }
        g.node(g.random.pick(["QLinearAdd", "QLinearMul"]), [x, xScale, xZero, y, yScale, yZero, out, zero], domain: domain)
      default:
        guard x.rank == 2, let (w, wScale, wZero) = g.quantized([x.dims[1], 3], .int8) else { return }
        g.node("QGemm", [x, xScale, xZero, w, wScale, wZero, nil, out, zero], domain: domain)
      }
    },
    Recipe("com.microsoft::QLinearConcat", "com.microsoft::QLinearAveragePool", "com.microsoft::QLinearGlobalAveragePool", weight: 2) { g in
      guard let (x, xScale, xZero) = g.quantized([1, g.random.int(1...3), 4, 5]), let element = x.element, let out = g.scale(), let zero = g.zeroPoint(element, like: out) else { return }
      switch g.random.below(3) {
      case 0:
        guard let (y, yScale, yZero) = g.quantized([1, 2, 4, 5], element) else { return }
        g.node("QLinearConcat", [out, zero, x, xScale, xZero, y, yScale, yZero], [("axis", .int(1))], domain: domain)
      case 1: g.node("QLinearAveragePool", [x, xScale, xZero, out, zero], [("kernel_shape", .ints([2, 2]))], domain: domain)
      default: g.node("QLinearGlobalAveragePool", [x, xScale, xZero, out, zero], domain: domain)
      }
    },
    Recipe("com.microsoft::QuantizeLinear", "com.microsoft::DequantizeLinear", weight: 1) { g in
      guard let x = g.tensor([.float32]), let scale = g.scale(), let zero = g.zeroPoint(.uint8, like: scale), let q = g.node("QuantizeLinear", [x, scale, zero], domain: domain)?.first else { return }
      g.node("DequantizeLinear", [q, scale, zero], domain: domain)
    },
    Recipe("com.microsoft::QLinearWhere", "com.microsoft::QLinearSoftmax", weight: 2) { g in
      guard let (x, xScale, xZero) = g.quantized(g.shape(rank: g.random.int(1...4))), let element = x.element, let out = g.scale(), let zero = g.zeroPoint(element, like: out) else { return }
      if g.random.chance(0.5) {
        let opset = g.random.pick([11, 13])
        g.node("QLinearSoftmax", [x, xScale, g.random.chance(0.5) ? xZero : nil, out, zero], [("opset", .int(opset)), ("axis", .int(g.random.below(x.rank)))], domain: domain)
      } else {
        guard let condition = g.new(.bool, x.dims), let y = g.partner(of: x), let yScale = g.scale(), let yZero = g.zeroPoint(element, like: yScale) else { return }
        g.node("QLinearWhere", [condition, x, xScale, xZero, y, yScale, yZero, out, zero], domain: domain)
      }
    },
    Recipe("com.microsoft::QLinearConv", "com.microsoft::NhwcMaxPool", weight: 2) { g in
      let isLast = g.random.chance(0.7), channels = g.random.pick([1, 2, 4, 33]), group = channels == 4 ? g.random.pick([1, 2, 4]) : 1
      guard let (x, xScale, xZero) = g.quantized(isLast ? [g.random.int(1...2), 4, 5, channels] : [1, channels, 4, 5]), let element = x.element else { return }
      if isLast, g.random.chance(0.3) {
        g.node("NhwcMaxPool", [x], [("kernel_shape", .ints([2, 3])), ("strides", .ints([1, g.random.int(1...2)])), ("pads", .ints([1, 0, 0, 1]))], domain: domain)
        return
      }
      let kernel = g.random.chance(0.4) ? 1 : 3, outputs = group * g.random.int(1...5)
      guard let w = g.new(.int8, [outputs, channels / group, kernel, kernel], .special), let wScale = g.scale(g.random.chance(0.5) ? outputs : nil),
        let wZero = g.zeroPoint(.int8, like: wScale), let out = g.scale(), let zero = g.zeroPoint(element, like: out)
      else { return }
      let bias = g.random.chance(0.5) ? g.new(.int32, [outputs], .plain) : nil
      g.node("QLinearConv", [x, xScale, xZero, w, wScale, wZero, out, zero, bias], [("channels_last", .int(isLast ? 1 : 0)), ("group", .int(group)), ("pads", .ints([Int](repeating: kernel / 2, count: 4)))], domain: domain)
    },
    Recipe("com.microsoft::QAttention", weight: 2) { g in
      let (batch, rows, heads, depth) = (g.random.int(1...2), g.random.int(1...4), g.random.int(1...2), 4)
      let hidden = heads * depth
      guard let (x, xScale, xZero) = g.quantized([batch, rows, hidden], .uint8), let w = g.new(.int8, [hidden, 3 * hidden], .special), let b = g.new(.float32, [3 * hidden], .plain),
        let wScale = g.scale(g.random.chance(0.5) ? 3 * hidden : nil), let wZero = g.zeroPoint(.int8, like: wScale, isZero: true)
      else { return }
      let past = g.random.chance(0.4) ? g.new(.float32, [2, batch, heads, g.random.pick([0, 3]), depth], .plain) : nil
      g.node("QAttention", [x, w, b, xScale, wScale, nil, xZero, wZero, past], outputs: past == nil ? 1 : 2, [("num_heads", .int(heads)), ("unidirectional", .int(g.random.below(2)))], domain: domain)
    },
    Recipe("com.microsoft::GatherBlockQuantized", weight: 1) { g in
      let rows = g.random.int(2...5), bits = g.random.pick([2, 4, 8])
      guard let data = g.new(.uint8, [rows, 5 * bits], .special, source: .initializer), let places = g.ints([0, -1, 1]), let scales = g.new(.float32, [rows, 3], .plain, source: .initializer) else { return }
      let zeros = g.random.chance(0.5) ? g.new(.uint8, [rows, (3 * bits + 7) / 8], .special, source: .initializer) : nil
      g.node("GatherBlockQuantized", [data, places, scales, zeros], [("bits", .int(bits)), ("block_size", .int(16))], domain: domain)
    },
    Recipe("com.microsoft::DynamicQuantizeLSTM", weight: 2) { g in
      let steps = g.random.int(1...4), batch = g.random.pick([1, 2, 5]), inputs = g.random.int(1...5), hidden = g.random.pick([1, 2, 4, 9])
      let direction = g.random.pick(["forward", "reverse", "bidirectional"]), d = direction == "bidirectional" ? 2 : 1
      guard let x = g.new(.float32, [steps, batch, inputs], .plain), let w = g.new(.int8, [d, inputs, 4 * hidden], .special, source: .initializer),
        let r = g.new(.int8, [d, hidden, 4 * hidden], .special, source: .initializer), let wScale = g.scale(d), let rScale = g.scale(d),
        let wZero = g.zeroPoint(.int8, like: wScale, isZero: true), let rZero = g.zeroPoint(.int8, like: rScale, isZero: true)
      else { return }
      let bias = g.random.chance(0.6) ? g.new(.float32, [d, 8 * hidden], .plain) : nil
      let lengths = g.random.chance(0.3) ? g.ints((0..<batch).map { _ in g.random.int(1...steps) }, .int32) : nil
      var named = (0..<3).map { _ in g.random.chance(0.7) }
      if !named.contains(true) { named[0] = true }
      g.node("DynamicQuantizeLSTM", [x, w, r, bias, lengths, nil, nil, nil, wScale, wZero, rScale, rZero], outputs: 3, [("hidden_size", .int(hidden)), ("direction", .string(direction))], domain: domain, named: named)
    },
  ]
}
