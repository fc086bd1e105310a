import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct EmbedLayerNormalizationTests {
  private func inputs(_ ids: [Int32]) throws -> [Value?] {
    [
      .tensor(try tensor(ids, [1, 2])), .tensor(try tensor([1, 0] as [Int32], [1, 2])),
      .tensor(try tensor([0.11, 0.22, -0.25, -0.2, 0.05, 1.51, 0.56, -0.06, -0.58, -0.63, 1.6, 0.51] as [Float], [3, 4])),
        .tensor(try tensor([0.07, -0.35, -1.11, -0.07, 0.87, -0.39, -0.23, -0.22] as [Float], [2, 4])),
      .tensor(try tensor([0.11, -1.59, -0.24, -0.85, 0.88, -0.77, 0.58, 1.52] as [Float], [2, 4])), .tensor(try tensor([0.16, -0.19,
        -2.52, -0.54] as [Float], [4])), .tensor(try tensor([-0.05, 0.11, -1.53, -0.48] as [Float], [4])), .tensor(try tensor([1,
        0] as [Int32], [1, 2])),
    ]
  }

  @Test func wordsPositionsAndSegments() throws {
    let outputs = try evaluate(
      "EmbedLayerNormalization", domain: "com.microsoft", attributes: ["epsilon": .float(0.001)], try inputs([2, 0]), outputCount: 3)
    try expect(try outputs[0].asTensor(), near: [-0.05496295, 0.4098753, -2.739281, -1.089895, 0.210377, 0.3029182, -1.401481,
      -0.1770614], [1, 2, 4])
    try expect(try outputs[1].asTensor(), [1] as [Int32], [1])
    try expect(try outputs[2].asTensor(), near: [0.37, -1.75, 1.07, 1.96, 1.09, -1.76, -0.72, -1.27], [1, 2, 4])
  }

  @Test func wordOutOfRange() throws {
    #expect(throws: PinionError.self) {
      try evaluate("EmbedLayerNormalization", domain: "com.microsoft", try inputs([3, 0]), outputCount: 1)
    }
  }
}
