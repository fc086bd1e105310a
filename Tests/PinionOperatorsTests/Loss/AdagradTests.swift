import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct AdagradTests {
  @Test func oneStep() throws {
    let outputs = try evaluate(
      "Adagrad", domain: "ai.onnx.preview.training", attributes: ["norm_coefficient": .float(0.01), "decay_factor": .float(0.1)],
      [.tensor(try Tensor(scalar: 0.1 as Float)), .tensor(try Tensor(scalar: 3 as Int64)), .tensor(try tensor([1, -2] as [Float], [2])),
        .tensor(try tensor([0.5, 0.25] as [Float], [2])), .tensor(try tensor([2, 3] as [Float], [2]))], outputCount: 2)
    try expect(try outputs[0].asTensor(), near: [0.9739047, -2.010126], [2])
    try expect(try outputs[1].asTensor(), near: [2.2601, 3.0529], [2])
  }

  @Test func missingState() throws {
    let x = try tensor([1] as [Float], [1])
    #expect(throws: PinionError.self) {
      try evaluate(
        "Adagrad", domain: "ai.onnx.preview.training", attributes: ["norm_coefficient": .float(0.01), "decay_factor": .float(0.1)],
          [try Tensor(scalar: 0.1 as Float), try Tensor(scalar: 3 as Int64), x])
    }
  }
}
