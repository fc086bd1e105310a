import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct MomentumTests {
  @Test func oneStep() throws {
    let outputs = try evaluate(
      "Momentum", domain: "ai.onnx.preview.training", attributes: ["norm_coefficient": .float(0.01), "alpha": .float(0.95),
        "beta": .float(0.5), "mode": .string("nesterov")],
      [.tensor(try Tensor(scalar: 0.1 as Float)), .tensor(try Tensor(scalar: 3 as Int64)), .tensor(try tensor([1, -2] as [Float], [2])),
        .tensor(try tensor([0.5, 0.25] as [Float], [2])), .tensor(try tensor([0.1, 0.2] as [Float], [2]))], outputCount: 2)
    try expect(try outputs[0].asTensor(), near: [0.91575, -2.051975], [2])
    try expect(try outputs[1].asTensor(), near: [0.35, 0.305], [2])
  }

  @Test func missingState() throws {
    let x = try tensor([1] as [Float], [1])
    #expect(throws: PinionError.self) {
      try evaluate(
        "Momentum", domain: "ai.onnx.preview.training", attributes: ["norm_coefficient": .float(0.01), "alpha": .float(0.95),
          "beta": .float(0.5), "mode": .string("nesterov")], [try Tensor(scalar: 0.1 as Float), try Tensor(scalar: 3 as Int64), x])
    }
  }
}
