import Foundation
import PinionBase
import PinionGraph
import PinionTensor
import Testing

/// One query against its keys, by the formula of attention.
@Suite struct DecoderMaskedMultiHeadAttentionTests {
  private let batch = 2
  private let heads = 2
  private let size = 4
  private let room = 5

  private func numbers(_ count: Int, _ seed: Int) -> [Float] { (0..<count).map { Float(($0 * 37 + seed * 101) % 61 - 30) / 20 } }

  /// - Parameters:
  ///   - key: the keys of a batch entry and head, as vectors; `value` likewise.
  private func attention(
    _ query: [Float], scale: Float, score: (Int, Int, Int) -> Float = { _, _, _ in 0 }, _ key: (Int, Int) -> [[Float]], _ value: (Int, Int) -> [[Float]]
  ) -> (y: [Float], scores: [Float]) {
    var y: [Float] = [], scores: [Float] = []
    for entry in 0..<batch {
      for head in 0..<heads {
        let start = (entry * heads + head) * size
        let q = Array(query[start..<start + size])
        let row = key(entry, head).enumerated().map { index, k in zip(q, k).reduce(Float(0)) { $0 + $1.0 * $1.1 } * scale + score(entry, head, index) }
        scores += row
        let largest = row.max() ?? 0, sum = row.reduce(Float(0)) { $0 + exp($1 - largest) }
        let values = value(entry, head)
        y += (0..<(values.first?.count ?? 0)).map { column in row.indices.reduce(Float(0)) { $0 + exp(row[$1] - largest) / sum * values[$1][column] } }
      }
    }
    return (y, scores)
  }

  /// Row `row` of [batch, heads, rows, size].
  private func row(_ all: [Float], _ entry: Int, _ head: Int, _ row: Int, of rows: Int) -> [Float] {
    let start = ((entry * heads + head) * rows + row) * size
    return Array(all[start..<start + size])
  }

  private func run(_ attributes: [String: AttributeValue], _ inputs: [Tensor?], outputs: Int) throws -> [Tensor] {
    try evaluate(
      "DecoderMaskedMultiHeadAttention", domain: "com.microsoft", attributes: attributes.merging(["num_heads": .int(Int64(heads))]) { $1 },
      inputs.map { $0.map(Value.tensor) }, outputCount: outputs
    ).map { try $0.asTensor() }
  }

  /// A buffer of five rows, of which three are earlier keys; biases, a mask and an addend.
  @Test func keysInABufferOfOtherBeams() throws {
    let hidden = heads * size, past = 3
    let q = numbers(batch * hidden, 1), k = numbers(batch * hidden, 2), v = numbers(batch * hidden, 3)
    let keys = numbers(batch * heads * room * size, 4), values = numbers(batch * heads * room * size, 5), bias = numbers(3 * hidden, 6)
    let mask: [Int32] = [1, 0, 1, 1, 1, 1, 1, 0], added = numbers(heads * (past + 1), 7)
    let beams: [Int32] = [1, 0, 0, 9, 9, 1, 1, 0, 9, 9]
    let biased = { (x: [Float], part: Int) in x.enumerated().map { $1 + bias[part * hidden + $0 % hidden] } }
    let newKeys = biased(k, 1), newValues = biased(v, 2)
    func all(_ old: [Float], _ new: [Float], _ entry: Int, _ head: Int) -> [[Float]] {
      (0..<past).map { row(old, Int(beams[entry * room + $0]), head, $0, of: room) } + [row(new, entry, head, 0, of: 1)]
    }
    let (y, scores) = attention(
      biased(q, 0), scale: 0.3, score: { entry, head, key in (mask[entry * 4 + key] == 0 ? -5 : 0) + added[head * 4 + key] },
      { all(keys, newKeys, $0, $1) }, { all(values, newValues, $0, $1) })
    let found = try run(
      ["past_present_share_buffer": .int(1), "scale": .float(0.3), "mask_filter_value": .float(-5)],
      [
        try tensor(q, [batch, 1, hidden]), try tensor(k, [batch, 1, hidden]), try tensor(v, [batch, 1, hidden]), try tensor(mask, [batch, 4]),
        try tensor(added, [1, heads, 1, 4]), try tensor(keys, [batch, heads, room, size]), try tensor(values, [batch, heads, room, size]),
        try tensor([Int32(past)], [1]), try tensor([2] as [Int32], [1]), try tensor(beams, [1, 2, room]), try tensor(bias, [3 * hidden]),
      ], outputs: 4)
    try expect(found[0], near: y, [batch, 1, hidden])
    try expect(found[3], near: scores, [batch, heads, 1, past + 1])
    // The buffers with the new row behind the earlier ones, and otherwise as they came.
    for (output, old, new) in [(found[1], keys, newKeys), (found[2], values, newValues)] {
      var expected: [Float] = []
      for place in 0..<batch * heads * room {
        let unit = place / room
        expected += place % room == past ? row(new, unit / heads, unit % heads, 0, of: 1) : Array(old[place * size..<(place + 1) * size])
      }
      try expect(output, expected, [batch, heads, room, size])
    }
  }

  @Test func keysThatGrowAndPackedOperands() throws {
    let hidden = heads * size
    let q = numbers(batch * hidden, 1), k = numbers(batch * hidden, 2), v = numbers(batch * hidden, 3)
    let keys = numbers(batch * heads * room * size, 4), values = numbers(batch * heads * room * size, 5)
    func all(_ old: [Float], _ new: [Float], _ entry: Int, _ head: Int) -> [[Float]] {
      (0..<room).map { row(old, entry, head, $0, of: room) } + [row(new, entry, head, 0, of: 1)]
    }
    let (y, _) = attention(q, scale: 0.5, { all(keys, k, $0, $1) }, { all(values, v, $0, $1) })
    let old = [try tensor(keys, [batch, heads, room, size]), try tensor(values, [batch, heads, room, size])]
    let packed = (0..<batch).flatMap { entry in [q, k, v].flatMap { $0[entry * hidden..<(entry + 1) * hidden] } }
    for inputs in [
      [try tensor(q, [batch, 1, hidden]), try tensor(k, [batch, 1, hidden]), try tensor(v, [batch, 1, hidden]), nil, nil] + old,
      [try tensor(packed, [batch, 1, 3 * hidden]), nil, nil, nil, nil] + old,
    ] {
      let found = try run([:], inputs, outputs: 3)
      try expect(found[0], near: y, [batch, 1, hidden])
      let grown = (0..<batch).flatMap { entry in (0..<heads).flatMap { all(keys, k, entry, $0).joined() } }
      try expect(found[1], grown, [batch, heads, room + 1, size])
    }
  }

  @Test func keysOfAnEncoder() throws {
    let hidden = heads * size
    let q = numbers(batch * hidden, 1), keys = numbers(batch * heads * room * size, 4), values = numbers(batch * heads * room * size, 5)
    let mask: [Int32] = [1, 1, 1, 0, 0, 1, 1, 1, 1, 1]
    let (y, scores) = attention(
      q, scale: 0.5, score: { entry, _, key in mask[entry * 5 + key] == 0 ? -10_000 : 0 },
      { entry, head in (0..<room).map { row(keys, entry, head, $0, of: room) } }, { entry, head in (0..<room).map { row(values, entry, head, $0, of: room) } })
    let inputs = [
      try tensor(q, [batch, 1, hidden]), try tensor(keys, [batch, heads, room, size]), try tensor(values, [batch, heads, room, size]), try tensor(mask, [batch, room]),
    ]
    let found = try run([:], inputs, outputs: 4)
    try expect(found[0], near: y, [batch, 1, hidden])
    try expect(found[1], keys, [batch, heads, room, size])
    try expect(found[3], near: scores, [batch, heads, 1, room])
    // A node may name keys and not values.
    try expect(try run([:], inputs, outputs: 2)[1], keys, [batch, heads, room, size])
  }

  @Test func operandsAreChecked() throws {
    let q = try tensor(numbers(8, 1), [1, 1, 8]), cache = try tensor(numbers(24, 2), [1, 2, 3, 4]), long = try tensor(numbers(16, 3), [1, 2, 8])
    func past(_ length: Int32) throws -> Tensor { try tensor([length], [1]) }
    let shares: [String: AttributeValue] = ["past_present_share_buffer": .int(1)]
    for (inputs, attributes) in [
      ([long, long, long], [:]), ([q, q, nil], [:]), ([q, q, q, nil, nil, cache], [:]), ([q, q, q, nil, nil, cache, cache], shares),
      ([q, q, q, nil, nil, cache, cache, try past(3)], shares), ([q, q, q, nil, nil, cache, cache, try past(-1)], shares),
      ([q, q, q, try tensor([1] as [Int32], [1, 1]), nil, cache, cache, try past(1)], shares), ([q, cache, cache, nil, nil, cache, cache], [:]),
      (
        [
          q, q, q, nil, nil, cache, cache, try past(2), nil, try tensor([0, 1, 0] as [Int32], [1, 1, 3]),
        ], shares
      ),
    ] as [([Tensor?], [String: AttributeValue])] {
      #expect(throws: PinionError.self) { try run(attributes, inputs, outputs: 1) }
    }
  }
}
