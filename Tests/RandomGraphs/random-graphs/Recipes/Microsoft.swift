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
    Recipe("com.microsoft::MoE", "com.microsoft::QMoE", "com.microsoft::MoEGroupRouter", weight: 2) { g in
      let tokens = g.random.int(1...5), experts = g.random.int(1...4), hidden = 16, inner = 16, function = g.random.pick(["relu", "gelu", "silu", "swiglu", "identity"])
      let width = function == "swiglu" ? 2 : 1
      guard let x = g.new(.float32, [tokens, hidden], .plain), var router = g.new(.float32, [tokens, experts], .plain) else { return }
      if g.random.chance(0.3), let bias = g.new(.float32, [experts], .plain) {
        guard let routed = g.node("MoEGroupRouter", [router, bias], [("top_k", .int(g.random.int(1...experts)))], domain: domain)?.first else { return }
        router = routed
      }
      let attributes: [(name: String, value: AttributeSpec)] = [
        ("k", .int(g.random.int(1...experts))), ("activation_type", .string(function)), ("swiglu_fusion", .int(g.random.int(1...2))), ("normalize_routing_weights", .int(g.random.below(2))),
      ]
      let b1 = g.random.chance(0.5) ? g.new(.float32, [experts, inner * width], .plain) : nil, b2 = g.random.chance(0.5) ? g.new(.float32, [experts, hidden], .plain) : nil
      if g.random.chance(0.5) {
        guard let w1 = g.new(.float32, [experts, inner * width, hidden], .plain), let w2 = g.new(.float32, [experts, hidden, inner], .plain) else { return }
        g.node("MoE", [x, router, w1, b1, w2, b2], attributes, domain: domain)
      } else {
        guard let w1 = g.new(.uint8, [experts, inner * width, hidden / 2], .special), let w2 = g.new(.uint8, [experts, hidden, inner / 2], .special),
          let s1 = g.new(.float32, [experts, inner * width], .positive), let s2 = g.new(.float32, [experts, hidden], .positive)
        else { return }
        g.node("QMoE", [x, router, w1, s1, b1, w2, s2, b2], attributes, domain: domain)
      }
    },
    Recipe("com.microsoft::DecoderMaskedMultiHeadAttention", weight: 1) { g in
      let (batch, heads, depth, room) = (g.random.int(1...2), 2, 4, g.random.int(1...4))
      guard let q = g.new(.float32, [batch, 1, heads * depth], .plain), let k = g.new(.float32, [batch, 1, heads * depth], .plain), let v = g.new(.float32, [batch, 1, heads * depth], .plain),
        let keys = g.new(.float32, [batch, heads, room, depth], .plain), let values = g.new(.float32, [batch, heads, room, depth], .plain), let past = g.ints([g.random.below(room)], .int32)
      else { return }
      let shares = g.random.chance(0.5)
      g.node("DecoderMaskedMultiHeadAttention", [q, k, v, nil, nil, keys, values, shares ? past : nil], outputs: 3, [("num_heads", .int(heads)), ("past_present_share_buffer", .int(shares ? 1 : 0))], domain: domain)
    },
    Recipe("com.microsoft::MRotaryEmbedding", weight: 1) { g in
      guard let x = g.new(.float32, [1, 2, 3, 4], .plain), let places = g.ints([0, 1, 2, 2, 0, 1, 3, 3, 0], shape: [3, 1, 3]), let cosines = g.new(.float32, [6, 2], .plain), let sines = g.new(.float32, [6, 2], .plain) else { return }
      g.node("MRotaryEmbedding", [x, places, cosines, sines], [("mrope_section", .ints([1, 1, 0])), ("mrope_layout", .int(g.random.below(2)))], domain: domain)
    },
    Recipe("com.microsoft::GatedRMSNorm", "com.microsoft::BranchwiseRMSNorm", "com.microsoft::ScaledSiLU", "com.microsoft::GatedAdd", weight: 2) { g in
      guard let x = g.tensor([.float32], ranks: 2...3, .plain), let last = x.dims.last else { return }
      switch g.random.below(4) {
      case 0: g.node("GatedRMSNorm", [x, g.new(.float32, [last], .plain), g.new(.float32, x.dims, .plain)], domain: domain)
      case 1: g.node("BranchwiseRMSNorm", [x, g.random.chance(0.5) ? g.new(.float32, [last], .plain) : nil], domain: domain)
      case 2: g.node("ScaledSiLU", [x, g.random.chance(0.5) ? g.float(0.75) : nil], [("alpha", .float(1.5))], domain: domain)
      default: g.node("GatedAdd", [x, g.new(.float32, x.dims), g.new(.float32, x.dims.dropLast() + [1])], domain: domain)
      }
    },
    Recipe("com.microsoft::LinearAttention", "com.microsoft::LinearAttentionGate", "com.microsoft::GatedDeltaNet", weight: 2) { g in
      let (steps, heads, depth) = (g.random.int(1...4), 2, 3)
      guard let q = g.new(.float32, [1, steps, heads * depth], .plain), let k = g.new(.float32, [1, steps, heads * depth], .plain), let v = g.new(.float32, [1, steps, heads * depth], .plain),
        let a = g.new(.float32, [1, steps, heads], .plain), let bias = g.new(.float32, [heads], .plain),
        let factor = g.new(.float32, [heads], .plain), let gates = g.node("LinearAttentionGate", [a, bias, factor, a], outputs: 2, domain: domain)
      else { return }
      if g.random.chance(0.5) {
        g.node("LinearAttention", [q, k, v, nil, gates[0], gates[1]], outputs: 2, [("q_num_heads", .int(heads)), ("kv_num_heads", .int(heads))], domain: domain)
      } else {
        guard let keys = g.new(.float32, [1, steps, heads, depth], .plain), let values = g.new(.float32, [1, steps, heads, depth], .plain) else { return }
        g.node("GatedDeltaNet", [keys, keys, values, nil, gates[0], gates[1]], outputs: 2, [("qk_l2_norm", .int(g.random.below(2)))], domain: domain)
      }
    },
    Recipe("com.microsoft::Inverse", "com.microsoft::MatMulBnb4", "com.microsoft::MatMulInteger16", "com.microsoft::TransposeMatMul", weight: 2) { g in
      switch g.random.below(4) {
      case 0:
        // Ones on the diagonal and little beside them, far from singular.
        let size = g.random.int(1...3)
        guard let x = g.new(.float32, [size, size], .plain), let upper = g.node("Trilu", [x], [("upper", .int(1))], domain: domain)?.first, let ones = g.node("EyeLike", [x])?.first,
          let tenth = g.float(0.1), let small = g.node("Mul", [upper, tenth])?.first, let sum = g.node("Add", [small, ones])?.first
        else { return }
        g.node("Inverse", [sum], domain: domain)
      case 1:
        let k = g.random.pick([16, 20]), n = g.random.int(1...6)
        guard let x = g.new(.float32, [g.random.int(1...6), k], .plain), let w = g.new(.uint8, [(n * k + 1) / 2], .special), let scales = g.new(.float32, [(n * k + 15) / 16], .positive) else { return }
        g.node("MatMulBnb4", [x, w, scales], [("K", .int(k)), ("N", .int(n)), ("block_size", .int(16)), ("quant_type", .int(g.random.below(2)))], domain: domain)
      case 2:
        guard let x = g.new(.int16, [2, 3], .plain), let y = g.new(.int16, [3, 2], .plain) else { return }
        g.node("MatMulInteger16", [x, y], domain: domain)
      default:
        guard let x = g.tensor([.float32], ranks: 2...3, .plain), let k = x.dims.last, let y = g.new(.float32, [3, k], .plain) else { return }
        g.node("TransposeMatMul", [x, y], [("transB", .int(1)), ("alpha", .float(0.5))], domain: domain)
      }
    },
    Recipe("com.microsoft::GridSample", "com.microsoft::CropAndResize", weight: 1) { g in
      guard let x = g.picture([.float32]) else { return }
      if g.random.chance(0.5) {
        guard let grid = g.new(.float32, [x.dims[0], 2, 3, 2], .plain) else { return }
        g.node("GridSample", [x, grid], [("mode", .string(g.random.pick(["bilinear", "nearest", "bicubic"]))), ("padding_mode", .string(g.random.pick(["zeros", "border"])))], domain: domain)
      } else {
        guard let boxes = g.new(.float32, [2, 4], .plain), let images = g.ints([0, 0], .int32), let size = g.ints([2, 3], .int32) else { return }
        g.node("CropAndResize", [x, boxes, images, size], domain: domain)
      }
    },
    Recipe(
      "com.microsoft::Pad", "com.microsoft::Trilu", "com.microsoft::ExpandDims", "com.microsoft::Range", "com.microsoft::GatherND", "com.microsoft::Unique", "com.microsoft::UnfoldTensor",
      "com.microsoft::DynamicTimeWarping", "com.microsoft::NGramRepeatBlock", "com.microsoft::MurmurHash3", "com.microsoft::QEmbedLayerNormalization", weight: 4
    ) { g in
      switch g.random.below(11) {
      case 0:
        guard let x = g.tensor([.float32], ranks: 1...3), let pads = g.ints([Int](repeating: 1, count: 2 * x.rank)) else { return }
        g.node("Pad", [x, pads], domain: domain)
      case 1:
        guard let x = g.tensor([.float32, .int64], ranks: 2...3), let k = g.ints([g.random.int(-1...1)], shape: []) else { return }
        g.node("Trilu", [x, k], [("upper", .int(g.random.below(2)))], domain: domain)
      case 2:
        guard let x = g.tensor([.float32, .int64, .bool], ranks: 0...3), let axis = g.ints([g.random.int(-x.rank - 1...x.rank)], .int32, shape: []) else { return }
        g.node("ExpandDims", [x, axis], domain: domain)
      case 3:
        guard let start = g.ints([g.random.int(-3...3)], shape: []), let limit = g.ints([g.random.int(-3...6)], shape: []), let delta = g.ints([g.random.pick([-1, 1, 2])], shape: []) else { return }
        g.node("Range", [start, limit, g.random.chance(0.5) ? delta : nil], domain: domain)
      case 4:
        guard let x = g.new(.float32, [2, 3]), let places = g.ints([0, 1, 1, 2], shape: [2, 2]) else { return }
        g.node("GatherND", [x, places], domain: domain)
      case 5:
        guard let x = g.tensor([.float32], ranks: 1...1, .ties) else { return }
        g.node("Unique", [x], outputs: 3, domain: domain)
      case 6:
        guard let x = g.tensor([.float32, .int64], ranks: 1...3), let last = x.dims.last, last > 0 else { return }
        g.node("UnfoldTensor", [x], [("size", .int(g.random.int(1...last))), ("step", .int(g.random.int(1...2)))], domain: domain)
      case 7:
        guard let x = g.new(.float32, [g.random.int(1...4), g.random.int(1...4)], .ties) else { return }
        g.node("DynamicTimeWarping", [x], domain: domain)
      case 8:
        guard let ids = g.ints([1, 2, 1, 2, 1], shape: [1, 5]), let scores = g.new(.float32, [1, 4]) else { return }
        g.node("NGramRepeatBlock", [ids, scores], [("ngram_size", .int(g.random.int(1...3)))], domain: domain)
      case 9:
        guard let x = g.tensor([.float32, .float64, .int32, .int64, .string]) else { return }
        g.node("MurmurHash3", [x], [("positive", .int(g.random.below(2))), ("seed", .int(g.random.below(100)))], domain: domain)
      default:
        guard let ids = g.new(.int32, [2, 3], .positive), let words = g.new(.uint8, [9, 4], .plain), let places = g.new(.uint8, [5, 4], .plain), let gamma = g.new(.uint8, [4], .plain),
          let beta = g.new(.uint8, [4], .plain), let scale = g.scale(), let zero = g.zeroPoint(.uint8, like: scale)
        else { return }
        g.node("QEmbedLayerNormalization", [ids, nil, words, places, nil, gamma, beta, nil, scale, scale, nil, scale, scale, zero, zero, nil, zero, zero], outputs: 2, domain: domain)
      }
    },
  ]
}
