import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct GroupQueryAttentionTests {
  private func inputs(length: Int32) throws -> [Value?] {
    [
      .tensor(try tensor([1, -1.73, -0.78, 0.18] as [Float], [1, 1, 4])), .tensor(try tensor([0.39, -0.38] as [Float], [1, 1, 2])),
        .tensor(try tensor([1.03, 0.21] as [Float], [1, 1, 2])),
      .tensor(try tensor([-1.21, -0.93, 0.81, 0.46] as [Float], [1, 1, 2, 2])), .tensor(try tensor([-1.9, 1.35, 0.6, 1.34] as [Float],
        [1, 1, 2, 2])),
      .tensor(try tensor([length], [1])), .tensor(try tensor([3] as [Int32], [1])),
    ]
  }

  @Test(arguments: [[], [6]] as [Set<Int>]) func decodingStep(constants: Set<Int>) throws {
    let outputs = try evaluate(
      "GroupQueryAttention", domain: "com.microsoft", attributes: ["num_heads": .int(2), "kv_num_heads": .int(1)], try inputs(length: 2),
      constants: constants, outputCount: 3)
    try expect(try outputs[0].asTensor(), near: [0.05573225, 0.8084142, -0.6580767, 1.07225], [1, 1, 4])
    try expect(try outputs[1].asTensor(), near: [-1.21, -0.93, 0.81, 0.46, 0.39, -0.38], [1, 1, 3, 2])
    try expect(try outputs[2].asTensor(), near: [-1.9, 1.35, 0.6, 1.34, 1.03, 0.21], [1, 1, 3, 2])
  }

  @Test func lengthBeyondTheCache() throws {
    #expect(throws: PinionError.self) {
      try evaluate(
        "GroupQueryAttention", domain: "com.microsoft", attributes: ["num_heads": .int(2), "kv_num_heads": .int(1)],
        try inputs(length: 3), outputCount: 3)
    }
  }
}
