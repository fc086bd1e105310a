import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct RotaryEmbeddingTests {
  @Test func positions() throws {
    let y = try evaluate(
      "RotaryEmbedding", attributes: ["num_heads": .int(2)],
      [try tensor([0.51, -0.68, 1.09, -1.27, -0.14, -0.01, -1.32, 1.72] as [Float], [1, 2, 4]), try tensor([1.46, -0.46,
        0.77] as [Float], [3, 1]), try tensor([0.38, -2.61, 0.25] as [Float], [3, 1]), try tensor([2, 0] as [Int64], [1, 2])])
    try expect(y, near: [0.5627, -0.3961, 1.1568, -0.7054, -0.2006, -0.0678, -2.5808, 2.0096], [1, 2, 4])
  }

  @Test func onlyTheFirstPair() throws {
    let y = try evaluate(
      "RotaryEmbedding", attributes: ["rotary_embedding_dim": .int(2), "interleaved": .int(1)],
      [try tensor([1, 2, 3, 4] as [Float], [1, 1, 1, 4]), try tensor([0.6] as [Float], [1, 1, 1]), try tensor([0.8] as [Float], [1, 1,
        1])])
    try expect(y, near: [-1, 2, 3, 4], [1, 1, 1, 4])
  }

  @Test func positionOutOfRange() throws {
    #expect(throws: PinionError.self) {
      try evaluate(
        "RotaryEmbedding", attributes: ["num_heads": .int(2)],
        [try tensor([0.51, -0.68, 1.09, -1.27, -0.14, -0.01, -1.32, 1.72] as [Float], [1, 2, 4]), try tensor([1.46, -0.46,
          0.77] as [Float], [3, 1]), try tensor([0.38, -2.61, 0.25] as [Float], [3, 1]), try tensor([3, 0] as [Int64], [1, 2])])
    }
  }
}

@Suite struct MicrosoftRotaryEmbeddingTests {
  @Test func onePositionForTheStart() throws {
    let y = try evaluate(
      "RotaryEmbedding", domain: "com.microsoft", attributes: ["num_heads": .int(2), "rotary_embedding_dim": .int(2)],
      [try tensor([0.51, -0.68, 1.09, -1.27, -0.14, -0.01, -1.32, 1.72] as [Float], [1, 2, 4]), try tensor([1] as [Int64], [1]),
        try tensor([1.46, -0.46, 0.77] as [Float], [3, 1]), try tensor([0.38, -2.61, 0.25] as [Float], [3, 1])])
    try expect(y, near: [-2.0094, -1.0183, -3.8161, -2.2607, -0.1053, -0.0427, -1.4464, 0.9944], [1, 2, 4])
  }
}

/// Each pair turned by the angle of the position that belongs to it, pair by pair.
@Suite struct MRotaryEmbeddingTests {
  @Test(arguments: [false, true], [false, true]) func positionsOfThreeKinds(takesTurns: Bool, isInterleaved: Bool) throws {
    let (batch, rows, heads, pairs) = (2, 3, 2, 5)
    let sections = [2, 2, 1], size = 2 * pairs + 1
    let x = (0..<batch * rows * heads * size).map { Float($0 % 17) - 8 }
    let places = (0..<3 * batch * rows).map { Int64($0 * 5 % 7) }
    let cosines = (0..<7 * pairs).map { Float($0 % 11) / 10 }, sines = (0..<7 * pairs).map { Float($0 % 13) / 10 - 0.5 }
    /// By the operator's description: in turns, height takes every third pair from 1 on and width from 2 on, as long as their numbers last.
    let streams = takesTurns ? [0, 1, 2, 0, 1] : [0, 0, 1, 1, 2]
    var expected = x
    for (index, start) in stride(from: 0, to: x.count, by: size).enumerated() {
      let unit = index / heads
      for pair in 0..<pairs {
        let place = Int(places[streams[pair] * batch * rows + unit]) * pairs + pair
        let (a, b) = isInterleaved ? (start + 2 * pair, start + 2 * pair + 1) : (start + pair, start + pairs + pair)
        expected[a] = cosines[place] * x[a] - sines[place] * x[b]
        expected[b] = sines[place] * x[a] + cosines[place] * x[b]
      }
    }
    let y = try evaluate(
      "MRotaryEmbedding", domain: "com.microsoft",
      attributes: [
        "mrope_section": .ints(sections.map(Int64.init)), "mrope_layout": .int(takesTurns ? 1 : 0), "interleaved": .int(isInterleaved ? 1 : 0),
        "num_heads": .int(2), "rotary_embedding_dim": .int(Int64(2 * pairs)),
      ],
      [
        try tensor(x, [batch, rows, heads * size]), try tensor(places, [3, batch, rows]), try tensor(cosines, [7, pairs]), try tensor(sines, [7, pairs]),
      ])
    try expect(y, near: expected, [batch, rows, heads * size])
  }

  @Test func operandsAreChecked() throws {
    let x = try tensor([Float](repeating: 1, count: 8), [1, 1, 2, 4]), table = try tensor([Float](repeating: 1, count: 6), [3, 2])
    for (sections, places) in [([1, 1, 1], [0, 0, 0, 0, 0, 0]), ([2], [0, 0, 0, 0, 0, 0]), ([1, 1, 0], [0, 0, 3, 0, 0, 0]), ([1, 1, 0], [0, 0])]
      as [([Int64], [Int64])] {
      #expect(throws: PinionError.self) {
        try evaluate(
          "MRotaryEmbedding", domain: "com.microsoft", attributes: ["mrope_section": .ints(sections)],
          [x, try tensor(places, [places.count / 2, 1, 2]), table, table])
      }
    }
  }
}
