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
