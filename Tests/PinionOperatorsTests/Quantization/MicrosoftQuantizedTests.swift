import PinionGraph
import PinionTensor
import Testing

/// ONNX Runtime's quantised operators.
@Suite struct MicrosoftQuantizedTests {
  private func scalar<T: Element>(_ value: T) throws -> Tensor { try Tensor(scalar: value) }

  @Test func gemm() throws {
    // A - 1 = [1, 2], B = [[3, -1], [1, 2]]: sums [5, 3], with C [6, 1]; times 2 * 0.5 * 0.5 = 0.5.
    let inputs: [Tensor?] = [
      try tensor([2, 3] as [UInt8], [1, 2]), try scalar(Float(0.5)), try scalar(UInt8(1)), try tensor([3, -1, 1, 2] as [Int8], [2, 2]),
      try scalar(Float(0.5)), try scalar(Int8(0)), try tensor([1, -2] as [Int32], [2]),
    ]
    let attributes: [String: AttributeValue] = ["alpha": .float(2)]
    try expect(try evaluate("QGemm", domain: "com.microsoft", attributes: attributes, inputs), [3, 0.5] as [Float], [1, 2])
    let quantised = inputs + [try scalar(Float(0.25)), try scalar(UInt8(5))]
    try expect(
      try evaluate("QGemm", domain: "com.microsoft", attributes: attributes, quantised, constants: [3]), [17, 7] as [UInt8], [1, 2])
  }

  @Test func averagePool() throws {
    let inputs = [
      try tensor([2, 4, 6, 9] as [UInt8], [1, 1, 2, 2]), try scalar(Float(1)), try scalar(UInt8(1)), try scalar(Float(0.5)), try scalar(UInt8(3)),
    ]
    // Less 1: 1, 3, 5, 8. Columns' means 3 and 5.5.
    let y = try evaluate("QLinearAveragePool", domain: "com.microsoft", attributes: ["kernel_shape": .ints([2, 1])], inputs)
    try expect(y, [9, 14] as [UInt8], [1, 1, 1, 2])
    let last = [try tensor([2, 4, 6, 9] as [UInt8], [1, 2, 1, 2])] + inputs.dropFirst()
    let z = try evaluate(
      "QLinearAveragePool", domain: "com.microsoft", attributes: ["kernel_shape": .ints([2, 1]), "channels_last": .int(1)], last)
    try expect(z, [9, 14] as [UInt8], [1, 1, 1, 2])
  }

  @Test func globalAveragePool() throws {
    let y = try evaluate(
      "QLinearGlobalAveragePool", domain: "com.microsoft",
      [
        try tensor([-3, 5, 1, 1] as [Int8], [1, 2, 2]), try scalar(Float(2)), try scalar(Int8(-1)), try scalar(Float(1)), try scalar(Int8(0)),
      ])
    try expect(y, [4, 4] as [Int8], [1, 2, 1])
  }

  @Test func concatenation() throws {
    let y = try evaluate(
      "QLinearConcat", domain: "com.microsoft", attributes: ["axis": .int(1)],
      [
        try scalar(Float(0.5)), try scalar(UInt8(10)), try tensor([1, 2] as [UInt8], [2, 1]), try scalar(Float(1)), try scalar(UInt8(0)),
        try tensor([8, 255] as [UInt8], [2, 1]), try scalar(Float(0.25)), try scalar(UInt8(3)),
      ])
    // 1 and 2 are 2 and 4 halves; 5 and 252 quarters are 2.5, to even 2, and 126 halves.
    try expect(y, [12, 12, 14, 136] as [UInt8], [2, 2])
  }

  @Test func productsAsNumbers() throws {
    let a = try tensor([3, 5] as [UInt8], [1, 2]), b = try tensor([1, 2, 3, -4] as [Int8], [2, 2])
    let bias = try tensor([100, 200] as [Float], [2]), scales = try tensor([0.5, 2] as [Float], [2])
    // Less 1: 2 and 4; sums 14 and -12.
    let y = try evaluate(
      "MatMulIntegerToFloat", domain: "com.microsoft", [a, b, try scalar(Float(2)), scales, try scalar(UInt8(1)), nil, bias])
    try expect(y, [114, 152] as [Float], [1, 2])
    // The range -51 to 204 has scale 1 and zero point 51.
    let z = try evaluate("DynamicQuantizeMatMul", domain: "com.microsoft", [try tensor([-51, 204] as [Float], [1, 2]), b, scales, nil, bias])
    try expect(z, [100 + 0.5 * (-51 + 3 * 204), 200 + 2 * (-102 - 4 * 204)] as [Float], [1, 2])
  }
}

@Suite struct CausalConvWithStateTests {
  @Test func theStateIsTheEndOfThePast() throws {
    let inputs: [Value?] = [
      .tensor(try tensor([1, 2] as [Float], [1, 1, 2])), .tensor(try tensor([100, 10, 1] as [Float], [1, 1, 3])), nil,
      .tensor(try tensor([3, 4] as [Float], [1, 1, 2])),
    ]
    let y = try evaluate("CausalConvWithState", inputs, outputCount: 2)
    try expect(try y[0].asTensor(), [341, 412] as [Float], [1, 1, 2])
    try expect(try y[1].asTensor(), [1, 2] as [Float], [1, 1, 2])
  }
}
