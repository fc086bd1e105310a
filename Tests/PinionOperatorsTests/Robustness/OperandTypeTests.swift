import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

/// An operand that a kernel reads as one element type is checked before memory is bound to that type.
@Suite struct OperandTypeTests {
  private func error(_ body: () throws -> Tensor) -> PinionError? {
    do {
      _ = try body()
      return nil
    } catch { return error as? PinionError }
  }

  @Test(arguments: ["QLinearAdd", "QLinearMul"])
  func pairwise(name: String) throws {
    let bytes = try tensor([1, 2] as [UInt8], [2]), one = try Tensor(scalar: 1 as UInt8), scale = try Tensor(scalar: 0.5 as Float)
    for (index, input) in [(1, "A_scale"), (4, "B_scale"), (6, "C_scale")] {
      var inputs: [Tensor?] = [bytes, scale, nil, bytes, scale, nil, scale]
      inputs[index] = one
      let found = error { try evaluate(name, domain: "com.microsoft", inputs) }
      #expect(found?.code == .invalidShape)
      #expect(found?.message.contains("'\(input)'") == true && found?.message.contains("uint8") == true)
    }
  }

  @Test(arguments: ["QLinearSigmoid", "QLinearLeakyRelu"])
  func unary(name: String) throws {
    let bytes = try tensor([1, 2] as [UInt8], [2]), one = try Tensor(scalar: 1 as UInt8), scale = try Tensor(scalar: 0.5 as Float)
    for (index, input) in [(1, "X_scale"), (3, "Y_scale")] {
      var inputs: [Tensor?] = [bytes, scale, nil, scale]
      inputs[index] = one
      let found = error { try evaluate(name, domain: "com.microsoft", inputs) }
      #expect(found?.code == .invalidShape)
      #expect(found?.message.contains("'\(input)'") == true && found?.message.contains("uint8") == true)
    }
  }

  /// A bias of the scores that has fewer keys than there are.
  @Test(arguments: [false, true]) func biasOfTheScores(hasMask: Bool) throws {
    let query = try tensor([Float](repeating: 0.5, count: 8), [1, 2, 4]), key = try tensor([Float](repeating: 0.25, count: 12), [1, 3, 4])
    let bias = try tensor([0, 0, 0, 0] as [Float], [1, 1, 2, 2]), mask = hasMask ? try tensor([1, 1, 1] as [Int32], [1, 3]) : nil
    let found = error {
      try evaluate("MultiHeadAttention", domain: "com.microsoft", attributes: ["num_heads": .int(2)], [query, key, key, nil, mask, bias])
    }
    #expect(found?.code == .invalidShape)
    let weights = try tensor([Float](repeating: 0.1, count: 48), [4, 12]), short = try tensor([0, 0] as [Float], [1, 1, 2, 1])
    let other = error {
      try evaluate(
        "Attention", domain: "com.microsoft", attributes: ["num_heads": .int(2)],
        [query, weights, nil, hasMask ? try tensor([1, 1] as [Int32], [1, 2]) : nil, nil, short])
    }
    #expect(other?.code == .invalidShape)
  }

  @Test func biasOfBlockQuantizedWeights() throws {
    let a = try tensor([Float](repeating: 1, count: 16), [1, 16]), codes = try tensor([UInt8](repeating: 0x99, count: 8), [1, 1, 8])
    let attributes: [String: AttributeValue] = ["K": .int(16), "N": .int(1), "block_size": .int(16)]
    let scales = try tensor([0.5] as [Float], [1])
    // Sixteen times (9 - 8) * 0.5, plus 2.
    let y = try evaluate(
      "MatMulNBits", domain: "com.microsoft", attributes: attributes, [a, codes, scales, nil, nil, try tensor([2] as [Float], [1])])
    try expect(y, [10] as [Float], [1, 1])
    let found = error {
      try evaluate("MatMulNBits", domain: "com.microsoft", attributes: attributes, [a, codes, scales, nil, nil, try tensor([2] as [UInt8], [1])])
    }
    #expect(found?.code == .invalidShape && found?.message.contains("'bias'") == true)
  }
}
