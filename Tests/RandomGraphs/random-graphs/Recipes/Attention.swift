import PinionTensor

extension Recipe {
  static let attention: [Recipe] = [
    Recipe("Attention", from: 23, weight: 4) { g in
      let (batch, heads, rows, columns, depth) = (g.random.int(1...2), g.random.pick([1, 2, 4]), g.random.int(1...4), g.random.int(1...5), g.random.pick([2, 4, 8]))
      let element = g.random.pick([.float32, .float32, .float16] as [ElementType])
      let keyHeads = heads % 2 == 0 && g.random.chance(0.3) ? heads / 2 : heads
      guard let q = g.new(element, [batch, heads, rows, depth], .plain), let k = g.new(element, [batch, keyHeads, columns, depth], .plain),
        let v = g.new(element, [batch, keyHeads, columns, depth], .plain)
      else { return }
      let past = g.random.chance(0.4) ? g.random.pick([0, 2, 3]) : nil
      let total = columns + (past ?? 0)
      let mask = g.random.chance(0.4) ? g.random.chance(0.5) ? g.new(.bool, [rows, total]) : g.new(element, [rows, total], .plain) : nil
      let pastKey = past.flatMap { g.new(element, [batch, keyHeads, $0, depth], .plain) }, pastValue = past.flatMap { g.new(element, [batch, keyHeads, $0, depth], .plain) }
      g.node("Attention", [q, k, v, mask, pastKey, pastValue], outputs: past == nil ? 1 : 3, [("is_causal", .int(g.random.below(2)))])
    },
    // A decoder step as exporters write it: keys of this step after those of earlier ones, of which there may be none.
    Recipe("Reshape", "Transpose", "Concat", "MatMul", "Softmax", from: 13, weight: 5) { g in
      let (batch, headCount, steps, depth) = (g.random.pick([1, 1, 2]), g.random.pick([1, 2, 4]), g.random.pick([1, 1, 3]), g.random.pick([2, 4]))
      guard let x = g.new(.float32, [batch, steps, headCount * depth], .plain, source: .input) else { return }
      func heads(_ x: Operand) -> Operand? {
        guard let w = g.new(.float32, [headCount * depth, headCount * depth], .plain, source: .initializer), let p = g.node("MatMul", [x, w])?.first, let shape = g.ints([batch, steps, headCount, depth]),
          let r = g.node("Reshape", [p, shape])?.first
        else { return nil }
        return g.node("Transpose", [r], [("perm", .ints([0, 2, 1, 3]))])?.first
      }
      let past = g.random.pick([0, 0, 1, 4])
      guard let q = heads(x), let k = heads(x), let v = heads(x), let pastKey = g.new(.float32, [batch, headCount, past, depth], .plain, source: .input),
        let pastValue = g.new(.float32, [batch, headCount, past, depth], .plain, source: .input), let keys = g.node("Concat", [pastKey, k], [("axis", .int(2))])?.first,
        let values = g.node("Concat", [pastValue, v], [("axis", .int(2))])?.first, let turned = g.node("Transpose", [keys], [("perm", .ints([0, 1, 3, 2]))])?.first,
        let scores = g.node("MatMul", [q, turned])?.first, let factor = g.float(0.5), let scaled = g.node("Mul", [scores, factor])?.first,
        let weights = g.node("Softmax", [scaled], [("axis", .int(-1))])?.first, let y = g.node("MatMul", [weights, values])?.first,
        let z = g.node("Transpose", [y], [("perm", .ints([0, 2, 1, 3]))])?.first, let shape = g.ints([0, 0, -1])
      else { return }
      g.node("Reshape", [z, shape])
    },
    Recipe("RotaryEmbedding", from: 23, weight: 2) { g in
      let (batch, heads, steps, depth) = (g.random.int(1...2), g.random.int(1...3), g.random.int(1...4), 4)
      guard let x = g.new(.float32, [batch, heads, steps, depth], .plain), let cosines = g.new(.float32, [batch, steps, 2], .plain), let sines = g.new(.float32, [batch, steps, 2], .plain) else { return }
      g.node("RotaryEmbedding", [x, cosines, sines], [("interleaved", .int(g.random.below(2)))])
    },
    Recipe("com.microsoft::CausalConvWithState", weight: 1) { g in
      let (batch, channels, steps, kernel) = (g.random.int(1...2), g.random.int(1...4), g.random.int(1...5), g.random.int(2...4))
      guard let x = g.new(.float32, [batch, channels, steps], .plain), let w = g.new(.float32, [channels, 1, kernel], .plain) else { return }
      g.node("CausalConvWithState", [x, w, g.random.chance(0.5) ? g.new(.float32, [channels], .plain) : nil], outputs: 2, domain: "com.microsoft")
    },
    Recipe("ai.onnx.preview::FlexAttention", weight: 1) { g in
      let (batch, heads, rows, columns, depth) = (1, g.random.int(1...2), g.random.int(1...3), g.random.int(1...4), 4)
      guard let q = g.new(.float32, [batch, heads, rows, depth], .plain), let k = g.new(.float32, [batch, heads, columns, depth], .plain), let v = g.new(.float32, [batch, heads, columns, depth], .plain) else { return }
      g.node("FlexAttention", [q, k, v], domain: "ai.onnx.preview")
    },
    Recipe("LinearAttention", from: 27, weight: 3) { g in
      let (batch, heads, steps, depth) = (g.random.int(1...2), g.random.int(1...2), g.random.int(1...4), 4)
      guard let q = g.new(.float32, [batch, steps, heads * depth], .plain), let k = g.new(.float32, [batch, steps, heads * depth], .plain), let v = g.new(.float32, [batch, steps, heads * depth], .plain) else { return }
      g.node("LinearAttention", [q, k, v], outputs: 2, [("q_num_heads", .int(heads)), ("kv_num_heads", .int(heads)), ("update_rule", .string("linear"))])
    },
    Recipe("CausalConvWithState", from: 27, weight: 1) { g in
      let (batch, channels, steps, kernel) = (g.random.int(1...2), g.random.int(1...4), g.random.int(1...5), g.random.int(1...4))
      guard let x = g.new(.float32, [batch, channels, steps], .plain), let w = g.new(.float32, [channels, 1, kernel], .plain) else { return }
      g.node("CausalConvWithState", [x, w, g.random.chance(0.5) ? g.new(.float32, [channels], .plain) : nil, g.random.chance(0.5) ? g.new(.float32, [batch, channels, kernel - 1], .plain) : nil], outputs: 2)
    },
  ]
}
