import PinionBase
import PinionGraph
import PinionTensor
import Testing

/// ONNX Runtime's QLinearConv, whose channels may come last.
@Suite struct MicrosoftQLinearConvTests {
  private func scalar<T: Element>(_ value: T) throws -> Tensor { try Tensor(scalar: value) }

  private func convolve(
    _ x: Tensor, _ w: Tensor, bias: [Int32]? = nil, wScale: Tensor? = nil, _ attributes: [String: AttributeValue], constants: Set<Int> = []
  ) throws -> Tensor {
    let inputs: [Tensor?] = [
      x, try scalar(Float(0.5)), try scalar(UInt8(1)), w, try wScale ?? scalar(Float(2)), try scalar(Int8(0)), try scalar(Float(1)), try scalar(UInt8(10)),
      try bias.map { try tensor($0, [$0.count]) },
    ]
    return try evaluate("QLinearConv", domain: "com.microsoft", attributes: attributes, inputs, constants: constants)
  }

  @Test func windowsOfOneElement() throws {
    // Positions [1, 2] and [3, 4] once 1 is taken off; scales make 1 of a unit.
    let x = try tensor([2, 3, 4, 5] as [UInt8], [1, 2, 2]), w = try tensor([1, 1, -1, 2, 0, 3] as [Int8], [3, 2, 1])
    for constants in [[], [3]] as [Set<Int>] {
      try expect(try convolve(x, w, ["channels_last": .int(1)], constants: constants), [13, 13, 16, 17, 15, 22] as [UInt8], [1, 2, 3])
    }
    try expect(
      try convolve(x, w, bias: [1, 0, -30], wScale: try tensor([2, 4, 2] as [Float], [3]), ["channels_last": .int(1)]),
      [14, 16, 0, 18, 20, 0] as [UInt8], [1, 2, 3])
  }

  @Test func channelsMayComeFirstOrLast() throws {
    // Channels [1, 2, 3] and [4, 5, 6]; pads count as the zero point.
    let w = try tensor([1, 2, 3, -1, 0, 1] as [Int8], [1, 2, 3])
    let first = try tensor([2, 3, 4, 5, 6, 7] as [UInt8], [1, 2, 3]), last = try tensor([2, 5, 3, 6, 4, 7] as [UInt8], [1, 3, 2])
    // 2*1+3*2+5 = 13; 1+4+9-4+6 = 16; 2+6-5 = 3.
    let pads: [String: AttributeValue] = ["pads": .ints([1, 1])]
    try expect(try convolve(first, w, pads), [23, 26, 13] as [UInt8], [1, 1, 3])
    try expect(try convolve(last, w, pads.merging(["channels_last": .int(1)]) { a, _ in a }), [23, 26, 13] as [UInt8], [1, 3, 1])
  }

  @Test func groups() throws {
    let x = try tensor([2, 5, 3, 6, 4, 7] as [UInt8], [1, 3, 2]), w = try tensor([1, 1, 2, -1] as [Int8], [2, 1, 2])
    // [1, 2, 3]: 3, 5; [4, 5, 6]: 3, 4.
    try expect(try convolve(x, w, ["channels_last": .int(1), "group": .int(2)]), [13, 13, 15, 14] as [UInt8], [1, 2, 2])
  }

  /// Constant weights without zero points go another way, to the same codes.
  @Test(
    arguments: [(4, 6, 1, 1, 0, 1), (3, 17, 1, 2, 3, 1), (12, 30, 3, 1, 1, 1), (70, 40, 1, 1, 2, 2), (8, 10, 2, 3, 1, 1), (2, 4, 1, 1, 1, 1), (6, 12, 6, 2, 1, 1), (20, 24, 1, 1, 3, 1)],
    [false, true])
  func constantWeights(
    sizes: (channels: Int, outputs: Int, groups: Int, stride: Int, pad: Int, dilation: Int), isSigned: Bool
  ) throws {
    let (channels, outputs, groups, stride, pad, dilation) = sizes
    for kernel in [1, 3] {
      let x = (0..<(2 * channels * 9 * 11)).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 / 7) }
      let w = (0..<(outputs * channels / groups * kernel * kernel)).map { Int8(truncatingIfNeeded: $0 &* 53 &+ $0 / 5) }
      let dims = [2, channels, 9, 11], bias = (0..<outputs).map { Int32($0 * 1000 - 9000) }
      let inputs: [Tensor?] = [
        isSigned ? try tensor(x.map(Int8.init(bitPattern:)), dims) : try tensor(x, dims), try scalar(Float(0.02)),
        isSigned ? try scalar(Int8(-7)) : try scalar(UInt8(100)), try tensor(w, [outputs, channels / groups, kernel, kernel]),
        try tensor((0..<outputs).map { 0.01 + Float($0) / 1000 }, [outputs]), try tensor([Int8](repeating: 0, count: outputs), [outputs]),
        try scalar(Float(1.5)), try scalar(UInt8(120)), try tensor(bias, [outputs]),
      ]
      let attributes: [String: AttributeValue] = [
        "group": .int(Int64(groups)), "strides": .ints([Int64](repeating: Int64(stride), count: 2)),
        "pads": .ints([Int64](repeating: Int64(kernel == 1 ? 0 : pad), count: 4)),
        "dilations": .ints([Int64](repeating: Int64(dilation), count: 2)),
      ]
      let expected = try evaluate("QLinearConv", attributes: attributes, inputs)
      let found = try evaluate("QLinearConv", attributes: attributes, inputs, constants: [3, 4, 5])
      #expect(found.hasSameContents(as: expected))
      // The same with the channels last, and with weights as codes around zero points of their own.
      for zeros in [[Int8](repeating: 0, count: outputs), (0..<outputs).map { Int8(truncatingIfNeeded: $0 &* 11 &- 30) }] {
        for isUnsigned in [false, true] {
          var inputs = inputs
          inputs[5] = isUnsigned ? try tensor(zeros.map { UInt8(bitPattern: $0) ^ 128 }, [outputs]) : try tensor(zeros, [outputs])
          if isUnsigned { inputs[3] = try tensor(w.map { UInt8(bitPattern: $0) ^ 128 }, [outputs, channels / groups, kernel, kernel]) }
          let expected = try evaluate("QLinearConv", attributes: attributes, inputs)
          inputs[0] = try evaluate("Transpose", attributes: ["perm": .ints([0, 2, 3, 1])], [inputs[0]])
          let last = try evaluate(
            "QLinearConv", domain: "com.microsoft", attributes: attributes.merging(["channels_last": .int(1)]) { a, _ in a }, inputs,
            constants: [3, 4, 5])
          #expect(try evaluate("Transpose", attributes: ["perm": .ints([0, 3, 1, 2])], [last]).hasSameContents(as: expected))
        }
      }
    }
  }

  @Test func operandsAreChecked() throws {
    let x = try tensor([2, 3, 4, 5] as [UInt8], [1, 2, 2]), w = try tensor([1, 1, -1, 2, 0, 3] as [Int8], [3, 2, 1])
    let good: [Tensor?] = [
      x, try scalar(Float(1)), try scalar(UInt8(1)), w, try scalar(Float(1)), try scalar(Int8(0)), try scalar(Float(1)), try scalar(UInt8(1)),
      try tensor([1, 2, 3] as [Int32], [3]),
    ]
    let two = try tensor([1, 1] as [Float], [2])
    for (index, wrong) in [
      (0, two), (1, two), (1, x), (2, try scalar(Int8(1))), (3, two), (4, two), (5, two), (6, two), (7, two), (8, two),
      (8, try tensor([1, 2] as [Int32], [2])),
    ] {
      var inputs = good
      inputs[index] = wrong
      #expect(throws: PinionError.self) {
        try evaluate("QLinearConv", domain: "com.microsoft", attributes: ["channels_last": .int(1)], inputs)
      }
    }
  }
}
