import Foundation
import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct LinearAttentionTests {
  @Test func gatedDelta() throws {
    let outputs = try evaluate(
      "LinearAttention", attributes: ["q_num_heads": .int(1), "kv_num_heads": .int(1), "scale": .float(0.5)],
      [
        .tensor(try tensor([-0.38, -0.3, -1.13, 2.54] as [Float], [1, 2, 2])), .tensor(try tensor([-0.18, 1.59, -0.65, 0.16] as [Float],
          [1, 2, 2])), .tensor(try tensor([-1.67, -0.38, 0.98, -1.25] as [Float], [1, 2, 2])), nil,
        .tensor(try tensor([-0.1, -0.7] as [Float], [1, 2, 1])), .tensor(try tensor([0.5, 0.25] as [Float], [1, 2, 1])),
      ], outputCount: 2)
    try expect(try outputs[0].asTensor(), near: [0.1705905, 0.038817, -0.7177473, -0.3733871], [1, 2, 2])
    try expect(try outputs[1].asTensor(), near: [-0.1096383, 0.2144139, -0.6139315, -0.1986167], [1, 1, 2, 2])
  }

  @Test func ruleWithoutItsInputs() throws {
    let x = try tensor([1, 2] as [Float], [1, 1, 2])
    #expect(throws: PinionError.self) {
      try evaluate("LinearAttention", attributes: ["q_num_heads": .int(1), "kv_num_heads": .int(1)], [x, x, x])
    }
  }

  private func numbers(_ count: Int, _ seed: Int) -> [Float] { (0..<count).map { Float(($0 * 37 + seed * 101) % 61 - 30) / 40 } }

  /// Heads of queries and keys that serve several of values are as those heads repeated.
  @Test func sharedHeads() throws {
    let (steps, size, width) = (3, 2, 3)
    func repeated(_ x: [Float], heads: Int, times: Int) -> [Float] {
      var result: [Float] = []
      for place in 0..<steps * heads {
        for _ in 0..<times { result += x[place * size..<(place + 1) * size] }
      }
      return result
    }
    let k = numbers(steps * 2 * size, 2), v = numbers(steps * 4 * width, 3), decay = numbers(steps * 4, 4), beta = numbers(steps * 4, 5)
    func run(queries: Int, _ q: [Float], keys: Int, _ k: [Float], domain: String) throws -> [Tensor] {
      try evaluate(
        "LinearAttention", domain: domain, attributes: ["q_num_heads": .int(Int64(queries)), "kv_num_heads": .int(4)],
        [
          .tensor(try tensor(q, [1, steps, queries * size])), .tensor(try tensor(k, [1, steps, keys * size])), .tensor(try tensor(v, [1, steps, 4 * width])),
          nil, .tensor(try tensor(decay, [1, steps, 4])), .tensor(try tensor(beta, [1, steps, 4])),
        ], outputCount: 2
      ).map { try $0.asTensor() }
    }
    for queries in [1, 2, 4, 8] {
      let q = numbers(steps * queries * size, 1)
      let wide = queries < 4 ? repeated(q, heads: queries, times: 4 / queries) : q
      let expected = try run(queries: max(queries, 4), wide, keys: 4, repeated(k, heads: 2, times: 2), domain: "")
      let found = try run(queries: queries, q, keys: 2, k, domain: "com.microsoft")
      for (a, b) in zip(found, expected) { #expect(a.hasSameContents(as: b)) }
    }
  }

  /// decay = factor * log(1 + exp(a + bias)), rate = 1 / (1 + exp(-b)).
  @Test func gates() throws {
    let a: [Float] = [0.5, -1, 2, 30], b: [Float] = [0, 1, -1, 4]
    let outputs = try evaluate(
      "LinearAttentionGate", domain: "com.microsoft",
      [
        .tensor(try tensor(a, [1, 2, 2])), .tensor(try tensor([0.25, -0.5] as [Float], [2])), .tensor(try tensor([-2, 3] as [Float], [2])),
        .tensor(try tensor(b, [1, 2, 2])),
      ], outputCount: 2)
    let shifted: [Float] = [0.75, -1.5, 2.25, 29.5], factors: [Float] = [-2, 3, -2, 3]
    try expect(try outputs[0].asTensor(), near: zip(shifted, factors).map { $1 * log(1 + exp($0)) }, [1, 2, 2])
    try expect(try outputs[1].asTensor(), near: b.map { 1 / (1 + exp(-$0)) }, [1, 2, 2])
  }

  /// GatedDeltaNet is LinearAttention sequence by sequence, with the state turned.
  @Test func sequencesBehindEachOther() throws {
    let (size, width, tokens) = (2, 3, 5), ends: [Int32] = [0, 2, 5]
    let q = numbers(tokens * size, 1), k = numbers(tokens * size, 2), v = numbers(tokens * 2 * width, 3)
    let raw = numbers(tokens * 2, 4), rates = numbers(tokens * 2, 5), state = numbers(2 * 2 * width * size, 6)
    let logarithms: [Float] = [0.3, -0.4], biases: [Float] = [0.1, 0.2]
    func tensors(_ normalizes: Bool) throws -> [Tensor] {
      try evaluate(
        "GatedDeltaNet", domain: "com.microsoft",
        attributes: ["gate_activation": .string("softplus"), "beta_activation": .string("sigmoid"), "qk_l2_norm": .int(normalizes ? 1 : 0), "scale": .float(0.5)],
        [
          .tensor(try tensor(q, [tokens, 1, size])), .tensor(try tensor(k, [tokens, 1, size])), .tensor(try tensor(v, [tokens, 2, width])),
          .tensor(try tensor(ends, [3])), .tensor(try tensor(raw, [tokens, 2])), .tensor(try tensor(rates, [tokens, 2])),
          .tensor(try tensor(state, [2, 2, width, size])), .tensor(try tensor(logarithms, [2])), .tensor(try tensor(biases, [2])),
        ], outputCount: 2
      ).map { try $0.asTensor() }
    }
    let decay = raw.enumerated().map { -exp(logarithms[$0 % 2]) * log(1 + exp($1 + biases[$0 % 2])) }, rate = rates.map { 1 / (1 + exp(-$0)) }
    func turned(_ x: [Float], rows: Int, columns: Int) -> [Float] {
      stride(from: 0, to: x.count, by: rows * columns).flatMap { start in
        (0..<columns).flatMap { column in (0..<rows).map { x[start + $0 * columns + column] } }
      }
    }
    for normalizes in [false, true] {
      func unit(_ x: [Float]) -> [Float] {
        guard normalizes else { return x }
        return stride(from: 0, to: x.count, by: size).flatMap { start in
          let row = x[start..<start + size], length = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
          return row.map { $0 / length }
        }
      }
      let found = try tensors(normalizes)
      var y: [Float] = [], last: [Float] = []
      for sequence in 0..<2 {
        let range = Int(ends[sequence])..<Int(ends[sequence + 1]), steps = range.count
        func part(_ x: [Float], _ each: Int) -> [Float] { Array(x[range.lowerBound * each..<range.upperBound * each]) }
        let place = sequence * 2 * width * size
        let outputs = try evaluate(
          "LinearAttention", domain: "com.microsoft", attributes: ["q_num_heads": .int(1), "kv_num_heads": .int(2), "scale": .float(0.5)],
          [
            .tensor(try tensor(part(unit(q), size), [1, steps, size])), .tensor(try tensor(part(unit(k), size), [1, steps, size])),
            .tensor(try tensor(part(v, 2 * width), [1, steps, 2 * width])),
            .tensor(try tensor(turned(Array(state[place..<place + 2 * width * size]), rows: width, columns: size), [1, 2, size, width])),
            .tensor(try tensor(part(decay, 2), [1, steps, 2])), .tensor(try tensor(part(rate, 2), [1, steps, 2])),
          ], outputCount: 2)
        y += try outputs[0].asTensor().elements(as: Float.self)
        last += turned(try outputs[1].asTensor().elements(as: Float.self), rows: size, columns: width)
      }
      try expect(found[0], near: y, [tokens, 2, width], tolerance: 1e-4)
      try expect(found[1], near: last, [2, 2, width, size], tolerance: 1e-4)
    }
  }

  @Test func sequencesThatDoNotAddUp() throws {
    let q = try tensor(numbers(8, 1), [4, 1, 2])
    for ends in [[0, 3], [1, 4], [0, 5, 4], [0]] as [[Int32]] {
      #expect(throws: PinionError.self) {
        try evaluate(
          "GatedDeltaNet", domain: "com.microsoft", attributes: ["update_rule": .string("linear")], [q, q, q, try tensor(ends, [ends.count])])
      }
    }
  }
}
