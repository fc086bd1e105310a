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

@Suite struct AdamTests {
  @Test func oneStep() throws {
    let outputs = try evaluate(
      "Adam", domain: "ai.onnx.preview.training", attributes: ["norm_coefficient": .float(0.01), "norm_coefficient_post": .float(0.2)],
      [.tensor(try Tensor(scalar: 0.1 as Float)), .tensor(try Tensor(scalar: 3 as Int64)), .tensor(try tensor([1, -2] as [Float], [2])),
        .tensor(try tensor([0.5, 0.25] as [Float], [2])), .tensor(try tensor([0.1, 0.2] as [Float], [2])), .tensor(try tensor([2,
        3] as [Float], [2]))], outputCount: 3)
    try expect(try outputs[0].asTensor(), near: [0.798388, -1.601895], [2])
    try expect(try outputs[1].asTensor(), near: [0.141, 0.203], [2])
    try expect(try outputs[2].asTensor(), near: [1.99826, 2.997053], [2])
  }

  @Test func missingState() throws {
    let x = try tensor([1] as [Float], [1])
    #expect(throws: PinionError.self) {
      try evaluate(
        "Adam", domain: "ai.onnx.preview.training", attributes: ["norm_coefficient": .float(0.01), "norm_coefficient_post": .float(0.2)],
          [try Tensor(scalar: 0.1 as Float), try Tensor(scalar: 3 as Int64), x])
    }
  }
}

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
