import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct MicrosoftAttentionTests {
  private func inputs() throws -> [Tensor?] {
    [
      try tensor([-0.31, -0.6, 0.19, 0, -0.99, 0.46] as [Float], [1, 2, 3]),
      try tensor([2.02, -0.26, -0.2, -1.04, 0.32, -1.25, -1.11, 1.28, -0.91, 1.08, 1.52, 0.26, 0.55, 1.95, -0.2, -0.59, -1.35,
        0.04] as [Float], [3, 6]),
      try tensor([1.48, 0.96, -0.94, -0.86, -0.5, 0.29] as [Float], [6]),
    ]
  }

  @Test func maskedKey() throws {
    let y = try evaluate(
      "Attention", domain: "com.microsoft", attributes: ["num_heads": .int(2)], try inputs() + [try tensor([1, 0] as [Int32], [1, 2])],
      constants: [1, 2])
    try expect(y, near: [-1.7677, 0.5291, -1.7677, 0.5291], [1, 2, 2])
  }

  @Test func unidirectional() throws {
    let y = try evaluate("Attention", domain: "com.microsoft", attributes: ["num_heads": .int(2), "unidirectional": .int(1)],
      try inputs())
    try expect(y, near: [-1.7677, 0.5291, -2.336591, 0.3522379], [1, 2, 2])
  }

  @Test func weightsThatDoNotSplit() throws {
    #expect(throws: PinionError.self) {
      try evaluate("Attention", domain: "com.microsoft", attributes: ["num_heads": .int(4)], try inputs())
    }
  }
}
