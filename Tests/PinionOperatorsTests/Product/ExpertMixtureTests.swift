import Foundation
import PinionBase
import PinionGraph
import PinionTensor
import Testing

/// Mixtures of experts against their formulas, expert by expert.
@Suite struct ExpertMixtureTests {
  /// Numbers that differ, of both signs.
  static func numbers(_ count: Int, _ seed: Int) -> [Float] { (0..<count).map { Float(($0 * 37 + seed * 101) % 61 - 30) / 20 } }

  struct Setting {
    var tokens = 3
    var hidden = 5
    var inner = 4
    var experts = 4
    var top = 2
    var normalizes = false
    var function = "relu"
    var fusion = 0
    var hasGate = false
    var hasBias = true
    var alpha: Float = 1
    var beta: Float = 0
    var limit: Float?
    var width: Int { function == "swiglu" && fusion > 0 ? 2 : 1 }

    var attributes: [String: AttributeValue] {
      var all: [String: AttributeValue] = [
        "k": .int(Int64(top)), "normalize_routing_weights": .int(normalizes ? 1 : 0), "activation_type": .string(function),
        "swiglu_fusion": .int(Int64(fusion)), "activation_alpha": .float(alpha), "activation_beta": .float(beta),
      ]
      if let limit { all["swiglu_limit"] = .float(limit) }
      return all
    }

    /// The experts of a token, best first, with their weights.
    func chosen(_ scores: [Float], weights given: [Float]?) -> [(expert: Int, weight: Float)] {
      let order = Array(scores.indices.sorted { scores[$0] == scores[$1] ? $0 < $1 : scores[$0] > scores[$1] }.prefix(top))
      if let given {
        let sum = order.reduce(0) { $0 + given[$1] }
        return order.map { ($0, normalizes ? given[$0] / sum : given[$0]) }
      }
      let sum = (normalizes ? order : Array(scores.indices)).reduce(0) { $0 + exp(scores[$1]) }
      return order.map { ($0, exp(scores[$0]) / sum) }
    }

    func activated(_ x: [Float], gate: [Float]?) -> [Float] {
      func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }
      if function == "swiglu" {
        return (0..<inner).map { index in
          var g = fusion == 1 ? x[2 * index] : x[index]
          var l = gate.map { $0[index] } ?? (fusion == 1 ? x[2 * index + 1] : x[inner + index])
          if let limit { (g, l) = (min(g, limit), min(max(l, -limit), limit)) }
          return g * sigmoid(alpha * g) * (l + beta)
        }
      }
      let y: [Float] = x.map { x in
        switch function {
        case "relu": max(x, 0)
        case "gelu": 0.5 * x * (1 + tanh(0.797_884_560_8 * (x + 0.044715 * x * x * x)))
        case "silu": x * sigmoid(x)
        default: x
        }
      }
      return gate.map { zip(y, $0).map { $0 * $1 } } ?? y
    }

    /// - Parameter weights: of the two layers and the gate, [experts, rows, columns].
    func expected(
      _ x: [Float], _ router: [Float], _ weights: [[Float]], _ biases: [[Float]?], routing: [Float]? = nil
    ) -> [Float] {
      func product(_ x: [Float], _ layer: Int, _ expert: Int, rows: Int) -> [Float] {
        (0..<rows).map { row in
          let start = (expert * rows + row) * x.count
          return x.indices.reduce(biases[layer]?[expert * rows + row] ?? 0) { $0 + x[$1] * weights[layer][start + $1] }
        }
      }
      return (0..<tokens).flatMap { token in
        let row = Array(x[token * hidden..<(token + 1) * hidden])
        let slice = token * experts..<(token + 1) * experts
        var sum = [Float](repeating: 0, count: hidden)
        for (expert, weight) in chosen(Array(router[slice]), weights: routing.map { Array($0[slice]) }) {
          let first = product(row, 0, expert, rows: inner * width)
          let gate = hasGate ? product(row, 2, expert, rows: inner) : nil
          for (index, value) in product(activated(first, gate: gate), 1, expert, rows: hidden).enumerated() { sum[index] += weight * value }
        }
        return sum
      }
    }
  }

  private func check(_ setting: Setting) throws {
    let s = setting
    let x = Self.numbers(s.tokens * s.hidden, 1), router = Self.numbers(s.tokens * s.experts, 2)
    let sizes = [(s.inner * s.width, s.hidden), (s.hidden, s.inner), (s.inner, s.hidden)]
    let weights = sizes.enumerated().map { Self.numbers(s.experts * $1.0 * $1.1, $0 + 3) }
    let biases = sizes.enumerated().map { s.hasBias ? Self.numbers(s.experts * $1.0, $0 + 7) : nil }
    var inputs: [Tensor?] = [try tensor(x, [s.tokens, s.hidden]), try tensor(router, [s.tokens, s.experts])]
    for layer in 0..<(s.hasGate ? 3 : 2) {
      inputs.append(try tensor(weights[layer], [s.experts, sizes[layer].0, sizes[layer].1]))
      inputs.append(try biases[layer].map { try tensor($0, [s.experts, sizes[layer].0]) })
    }
    for constants in [Set<Int>(), [2, 3, 4, 5, 6, 7]] {
      let y = try evaluate("MoE", domain: "com.microsoft", attributes: s.attributes, inputs, constants: constants)
      try expect(y, near: s.expected(x, router, weights, biases), [s.tokens, s.hidden], tolerance: 1e-4)
    }
  }

  @Test(arguments: ["relu", "gelu", "silu", "identity"]) func functions(_ function: String) throws {
    for hasGate in [false, true] {
      for normalizes in [false, true] { try check(Setting(normalizes: normalizes, function: function, hasGate: hasGate)) }
    }
  }

  @Test func gatesInEveryLayout() throws {
    for (fusion, limit) in [(0, nil), (1, nil), (2, nil), (0, 0.5), (1, 0.5), (2, 0.5)] as [(Int, Float?)] {
      try check(Setting(function: "swiglu", fusion: fusion, hasGate: fusion == 0, alpha: 1.7, beta: 1, limit: limit))
    }
  }

  /// So many tokens that experts have more than a few, and so wide that weights come in several panels.
  @Test func sizes() throws {
    for (tokens, hidden, inner) in [(1, 1, 1), (7, 33, 40), (200, 6, 300), (70, 300, 5)] {
      for top in [1, 4] { try check(Setting(tokens: tokens, hidden: hidden, inner: inner, top: top, normalizes: true, hasBias: top == 1)) }
    }
  }

  @Test func ofEqualScoresTheFirstCount() throws {
    let x = try tensor([1] as [Float], [1, 1]), scores = try tensor([0, 2, 2, 2] as [Float], [1, 4])
    let first = try tensor([1, 1, 1, 1] as [Float], [4, 1, 1]), second = try tensor([1, 10, 100, 1000] as [Float], [4, 1, 1])
    let y = try evaluate(
      "MoE", domain: "com.microsoft", attributes: ["k": .int(2), "normalize_routing_weights": .int(1), "activation_type": .string("identity")],
      [x, scores, first, nil, second])
    try expect(y, near: [55], [1, 1])
  }

  @Test func batchesAreTokens() throws {
    let router = try tensor(Self.numbers(24, 2), [6, 4]), w = try tensor(Self.numbers(4 * 3 * 5, 3), [4, 3, 5])
    let v = try tensor(Self.numbers(4 * 5 * 3, 4), [4, 5, 3]), x = Self.numbers(30, 1)
    let flat = try evaluate("MoE", domain: "com.microsoft", [try tensor(x, [6, 5]), router, w, nil, v])
    let batch = try evaluate("MoE", domain: "com.microsoft", [try tensor(x, [2, 3, 5]), router, w, nil, v])
    try expect(batch, Array(try flat.elements(as: Float.self)), [2, 3, 5])
  }

  @Test(arguments: [2, 4, 8]) func codes(_ bits: Int) throws {
    for (block, hasZeros, hasRouting, tokens) in [
      (0, false, false, 3), (16, false, true, 3), (16, true, false, 3), (0, true, true, 3), (32, true, false, 3), (16, true, false, 40),
    ] {
      var s = Setting(tokens: tokens, hidden: 96, inner: 32, normalizes: true, function: "swiglu", fusion: 1)
      s.hasBias = block == 16
      let x = Self.numbers(tokens * s.hidden, 1), router = Self.numbers(tokens * s.experts, 2)
      let routing = hasRouting ? (0..<tokens * s.experts).map { Float($0 % 7 + 1) / 8 } : nil
      var inputs = [Tensor?](repeating: nil, count: 15)
      (inputs[0], inputs[1]) = (try tensor(x, [tokens, s.hidden]), try tensor(router, [tokens, s.experts]))
      inputs[14] = try routing.map { try tensor($0, [tokens, s.experts]) }
      var weights: [[Float]] = [], biases: [[Float]?] = []
      for (layer, rows, depth) in [(0, s.inner * 2, s.hidden), (1, s.hidden, s.inner)] {
        let quantized = try Quantized(experts: s.experts, rows: rows, depth: depth, bits: bits, block: block, hasZeros: hasZeros, seed: layer)
        weights.append(quantized.numbers)
        let bias = s.hasBias ? Self.numbers(s.experts * rows, layer + 7) : nil
        biases.append(bias)
        inputs[2 + 3 * layer] = quantized.codes
        inputs[3 + 3 * layer] = quantized.scales
        inputs[4 + 3 * layer] = try bias.map { try tensor($0, [s.experts, rows]) }
        inputs[11 + layer] = quantized.zeros
      }
      var attributes = s.attributes
      attributes["expert_weight_bits"] = .int(Int64(bits))
      if block > 0 { attributes["block_size"] = .int(Int64(block)) }
      for constants in [Set<Int>(), Set(2..<14)] {
        let y = try evaluate("QMoE", domain: "com.microsoft", attributes: attributes, inputs, constants: constants)
        let expected = s.expected(x, router, weights + [[]], biases + [nil], routing: routing)
        let largest = expected.map(abs).max() ?? 1
        for (a, b) in zip(try y.elements(as: Float.self), expected) { #expect(abs(a - b) <= 1e-5 * largest) }
      }
    }
  }

  private struct Quantized {
    let codes: Tensor
    let scales: Tensor
    let zeros: Tensor?
    let numbers: [Float]

    init(experts: Int, rows: Int, depth: Int, bits: Int, block: Int, hasZeros: Bool, seed: Int) throws {
      let blocks = block == 0 ? 1 : depth / block, size = depth / blocks, lines = experts * rows
      func code(_ index: Int) -> Int { (index * 29 + seed * 13 + index / 7) % (1 << bits) }
      func zero(_ index: Int) -> Int { hasZeros ? (index * 11 + seed) % (1 << bits) : 1 << (bits - 1) }
      func packed(_ count: Int, _ code: (Int) -> Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: (count * bits + 7) / 8)
        for index in 0..<count { bytes[index * bits / 8] |= UInt8(code(index) << (index * bits % 8)) }
        return bytes
      }
      codes = try tensor((0..<lines).flatMap { line in packed(depth) { code(line * depth + $0) } }, [experts, rows, depth * bits / 8])
      let factors = (0..<lines * blocks).map { Float($0 % 5 + 1) / 64 }
      scales = try tensor(factors, block == 0 ? [experts, rows] : [experts, rows, blocks])
      if hasZeros {
        let groups = block == 0 ? experts : lines, count = block == 0 ? rows : blocks
        let bytes = (0..<groups).flatMap { group in packed(count) { zero(group * count + $0) } }
        zeros = try tensor(bytes, block == 0 ? [experts, bytes.count / experts] : [experts, rows, bytes.count / lines])
      } else {
        zeros = nil
      }
      numbers = (0..<lines * depth).map { index in
        let group = index / depth * blocks + index % depth / size
        return Float(code(index) - zero(group)) * factors[group]
      }
    }
  }

  @Test func operandsAreChecked() throws {
    let x = try tensor(Self.numbers(6, 1), [2, 3]), router = try tensor(Self.numbers(8, 2), [2, 4])
    let w = try tensor(Self.numbers(24, 3), [4, 2, 3]), v = try tensor(Self.numbers(24, 4), [4, 3, 2]), bias = try tensor(Self.numbers(8, 5), [4, 2])
    for (inputs, attributes) in [
      ([x, try tensor([1] as [Float], [1, 1]), w, nil, v], [:]), ([x, router, v, nil, v], [:]), ([x, router, w, nil, w], [:]),
      ([x, router, w, try tensor([1] as [Float], [1]), v], [:]), ([x, router, w, bias, v], ["k": .int(5)]),
      ([x, router, w, bias, v], ["activation_type": .string("swiglu")]), ([x, router, w, bias, v], ["activation_type": .string("elu")]),
      ([x, router, w, bias, v], ["use_sparse_mixer": .int(1)]), ([x, router, w, bias, v], ["k": .int(0)]),
    ] as [([Tensor?], [String: AttributeValue])] {
      #expect(throws: PinionError.self) { try evaluate("MoE", domain: "com.microsoft", attributes: attributes, inputs) }
    }
    #expect(throws: PinionError.self) {
      try evaluate("QMoE", domain: "com.microsoft", attributes: ["expert_weight_bits": .int(3)], [x, router, w, w, nil, v, v])
    }
  }

  /// Of two groups of three the sums of the two best are 0.9 + 0.2 + biases of 0 and 0.6 + 0.6: the second group is chosen.
  @Test func groupRouter() throws {
    func logit(_ p: Float) -> Float { log(p / (1 - p)) }
    let chances: [Float] = [0.9, 0.2, 0.1, 0.6, 0.6, 0.3]
    let attributes: [String: AttributeValue] = ["top_k": .int(2), "n_group": .int(2), "topk_group": .int(1), "group_topk": .int(2)]
    let y = try evaluate(
      "MoEGroupRouter", domain: "com.microsoft", attributes: attributes,
      [try tensor(chances.map(logit), [1, 6]), try tensor([0, 0, 0, 0, 0, 0.5] as [Float], [6])])
    // Biases choose, 0.3 + 0.5 before 0.6, and do not count in the result; of 0.6 twice the first is taken.
    try expect(y, near: [-10_000, -10_000, -10_000, log(0.6), -10_000, log(0.3)], [1, 6])
    let all = try evaluate(
      "MoEGroupRouter", domain: "com.microsoft", attributes: ["top_k": .int(1)],
      [.tensor(try tensor(chances.map(logit), [6])), .tensor(try tensor([1, 1, 1, 1, 1, 1] as [Float], [6]))], outputCount: 3)
    try expect(try all[1].asTensor(), near: chances.map { $0 + 1 }, [1, 6])
    try expect(try all[2].asTensor(), near: chances, [1, 6])
    // A node may name the second output and not the third.
    let some = try evaluate(
      "MoEGroupRouter", domain: "com.microsoft", attributes: ["top_k": .int(1)],
      [.tensor(try tensor(chances.map(logit), [6])), .tensor(try tensor([1, 1, 1, 1, 1, 1] as [Float], [6]))], outputCount: 2)
    #expect(try some[1].asTensor().hasSameContents(as: try all[1].asTensor()))
    #expect(throws: PinionError.self) {
      try evaluate(
        "MoEGroupRouter", domain: "com.microsoft", attributes: ["top_k": .int(4), "n_group": .int(2)],
        [try tensor(chances, [1, 6]), try tensor(chances, [6])])
    }
  }
}
