import PinionGraph
import PinionTensor
import Testing

/// A convolution over two axes, straight from its definition.
private func convolution(
  _ x: [Float], _ w: [Float], channels: Int, outputs: Int, groups: Int, size: (Int, Int), kernel: (Int, Int), stride: Int, pad: Int,
  dilation: Int
) -> (values: [Float], height: Int, width: Int) {
  let height = (size.0 + 2 * pad - dilation * (kernel.0 - 1) - 1) / stride + 1
  let width = (size.1 + 2 * pad - dilation * (kernel.1 - 1) - 1) / stride + 1
  let perGroup = channels / groups
  var y: [Float] = []
  for output in 0..<outputs {
    let first = output / (outputs / groups) * perGroup
    for row in 0..<height {
      for column in 0..<width {
        var sum: Float = 0
        for channel in 0..<perGroup {
          for i in 0..<kernel.0 {
            for j in 0..<kernel.1 {
              let h = row * stride + i * dilation - pad, v = column * stride + j * dilation - pad
              guard (0..<size.0).contains(h), (0..<size.1).contains(v) else { continue }
              sum += x[((first + channel) * size.0 + h) * size.1 + v] * w[((output * perGroup + channel) * kernel.0 + i) * kernel.1 + j]
            }
          }
        }
        y.append(sum)
      }
    }
  }
  return (y, height, width)
}

@Suite struct ConvTests {
  @Test(
    arguments: [(4, 6, 1, 1, 0, 1), (4, 6, 2, 2, 1, 1), (6, 6, 6, 1, 1, 2), (3, 40, 1, 1, 2, 1), (6, 12, 6, 2, 1, 1)], [false, true])
  func againstDefinition(
    sizes: (channels: Int, outputs: Int, groups: Int, stride: Int, pad: Int, dilation: Int), isConstant: Bool
  ) throws {
    let (channels, outputs, groups, stride, pad, dilation) = sizes
    let x: [Float] = pattern(channels * 9 * 11), w: [Float] = pattern(outputs * channels / groups * 9, seed: 2)
    let (expected, height, width) = convolution(
      x, w, channels: channels, outputs: outputs, groups: groups, size: (9, 11), kernel: (3, 3), stride: stride, pad: pad,
      dilation: dilation)
    let attributes: [String: AttributeValue] = [
      "group": .int(Int64(groups)), "strides": .ints([Int64](repeating: Int64(stride), count: 2)),
      "pads": .ints([Int64](repeating: Int64(pad), count: 4)), "dilations": .ints([Int64](repeating: Int64(dilation), count: 2)),
    ]
    let weights = [outputs, channels / groups, 3, 3]
    let inputs = [try tensor(x, [1, channels, 9, 11]), try tensor(w, weights)]
    try expect(try evaluate("Conv", attributes: attributes, inputs, constants: isConstant ? [1] : []), expected, [1, outputs, height, width])
    let doubles = [try tensor(x.map(Double.init), [1, channels, 9, 11]), try tensor(w.map(Double.init), weights)]
    try expect(try evaluate("Conv", attributes: attributes, doubles), expected.map(Double.init), [1, outputs, height, width])
  }

  @Test func sameUpperPutsTheOddPadBehind() throws {
    let y = try evaluate(
      "Conv", attributes: ["auto_pad": .string("SAME_UPPER")],
      [try tensor([1, 2, 3] as [Float], [1, 1, 3]), try tensor([10, 1] as [Float], [1, 1, 2]), try tensor([100] as [Float], [1])])
    try expect(y, [112, 123, 130] as [Float], [1, 1, 3])
  }

  @Test func residualComesBeforeTheActivation() throws {
    let y = try evaluate(
      "FusedConv", domain: "pinion", attributes: ["activation": .string("relu")],
      [
        try tensor([1, 2] as [Float], [1, 1, 2]), try tensor([3] as [Float], [1, 1, 1]), try tensor([-5] as [Float], [1]),
        try tensor([1, -4] as [Float], [1, 1, 2]),
      ])
    try expect(y, [0, 0] as [Float], [1, 1, 2])
  }

  @Test func windowHasToFit() throws {
    #expect(throws: (any Error).self) {
      try evaluate("Conv", [try tensor([1, 2] as [Float], [1, 1, 2]), try tensor([1, 2, 3] as [Float], [1, 1, 3])])
    }
  }
}
