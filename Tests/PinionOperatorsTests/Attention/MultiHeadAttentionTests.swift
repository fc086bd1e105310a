import Glibc
import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct MultiHeadAttentionTests {
  private func inputs() throws -> [Tensor?] {
    [
      try tensor([0.39, -1.95, -1.41, 0.85, 0.71, -0.15, -1.71, -0.37] as [Float], [1, 2, 4]),
      try tensor([-0.68, 0.64, 2.26, 0.22, -0.78, -1.17, -0.06, -0.18, -1.15, 0.12, -1.15, 1.11] as [Float], [1, 3, 4]),
      try tensor([1.06, 1.08, -0.47, 0.51, -0.13, -0.39, -0.34, -1.3, -1.44, 0.79, -0.19, 0.22] as [Float], [1, 3, 4]),
    ]
  }

  @Test func biasAndLength() throws {
    let bias = try tensor([-0.21, 0.21, 0.3, -0.3, -0.04, 0.21, -0.08, 0.5, 1.87, 0.59, 0.06, -1.69] as [Float], [12])
    let y = try evaluate(
      "MultiHeadAttention", domain: "com.microsoft", attributes: ["num_heads": .int(2)],
      try inputs() + [bias, try tensor([2] as [Int32], [1])])
    try expect(y, near: [1.857191, 0.3447649, -0.3006754, -2.702135, 2.368329, 0.9761709, -0.289838, -2.853025], [1, 2, 4])
  }

  @Test func keysOfAnEarlierRunHadTheirBias() throws {
    // One key with score 3 * (1 + 1) and one with 0: shares of 1 / (1 + exp(-6)) and the rest of the values 10 and 20.
    let y = try evaluate(
      "MultiHeadAttention", domain: "com.microsoft", attributes: ["num_heads": .int(1), "scale": .float(1)],
      [
        try tensor([1] as [Float], [1, 1, 1]), try tensor([3, 0] as [Float], [1, 1, 2, 1]), try tensor([10, 20] as [Float], [1, 1, 2, 1]),
        try tensor([1, 100, 1000] as [Float], [3]),
      ])
    try expect(y, near: [10 + 10 / (1 + expf(6))], [1, 1, 1])
  }

  @Test func maskThatDoesNotFit() throws {
    #expect(throws: PinionError.self) {
      try evaluate(
        "MultiHeadAttention", domain: "com.microsoft", attributes: ["num_heads": .int(2)],
        try inputs() + [nil, try tensor([1, 1] as [Int32], [1, 2])])
    }
  }
}
