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
}
