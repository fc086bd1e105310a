import PinionGraph
import PinionTensor
import Testing

@Suite struct ConvTransposeTests {
  @Test func everyInputAddsItsWindow() throws {
    let attributes: [String: AttributeValue] = ["strides": .ints([2]), "output_padding": .ints([1])]
    let expected: [Double] = [1, 2, 3 + 2, 4, 6, 0]
    let x: [Float] = [1, 2], w: [Float] = [1, 2, 3]
    try expect(
      try evaluate("ConvTranspose", attributes: attributes, [try tensor(x, [1, 1, 2]), try tensor(w, [1, 1, 3])]), expected.map(Float.init),
      [1, 1, 6])
    try expect(
      try evaluate(
        "ConvTranspose", attributes: attributes, [try tensor(x.map(Double.init), [1, 1, 2]), try tensor(w.map(Double.init), [1, 1, 3])]),
      expected, [1, 1, 6])
  }

  @Test func groupsAndBias() throws {
    let y = try evaluate(
      "ConvTranspose", attributes: ["group": .int(2)],
      [try tensor([1, 2] as [Float], [1, 2, 1]), try tensor([3, 4, 5, 6] as [Float], [2, 2, 1]), try tensor([10, 20, 30, 40] as [Float], [4])],
      constants: [1])
    try expect(y, [13, 24, 40, 52] as [Float], [1, 4, 1])
  }

  @Test func outputShapeDecidesPads() throws {
    // 5 elements come out, 3 are wanted: one pad on either side.
    let y = try evaluate(
      "ConvTranspose", attributes: ["output_shape": .ints([3])],
      [try tensor([1, 1, 1] as [Float], [1, 1, 3]), try tensor([1, 1, 1] as [Float], [1, 1, 3])])
    try expect(y, [2, 3, 2] as [Float], [1, 1, 3])
  }

  /// No element adds a window: the bias is left, over (0 - 1) stride + (kernel - 1) dilation + 1 + output_padding - pads elements of an axis.
  @Test(
    arguments: [
      ([0], [4], 1, 1, [0], [0, 0], [3]), ([0], [4], 2, 1, [1], [0, 1], [2]), ([0, 3], [3, 2], 1, 2, [0, 0], [1, 0, 0, 0], [3, 5]),
      ([2, 0, 1], [1, 3, 2], 1, 1, [0, 0, 0], [0, 0, 0, 0, 0, 0], [2, 2, 2]),
      ([0, 1, 1, 1], [3, 1, 1, 1], 1, 1, [0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [2, 1, 1, 1]),
    ], [1, 2])
  func imagesWithoutElements(
    sizes: (input: [Int], kernel: [Int], stride: Int64, dilation: Int64, extra: [Int64], pads: [Int64], output: [Int]), groups: Int
  ) throws {
    let images = 2, channels = 4, outputs = 6, rank = sizes.input.count
    let x = [images, channels] + sizes.input, weights = [channels, outputs / groups] + sizes.kernel, result = [images, outputs] + sizes.output
    let w: [Float] = pattern(weights.reduce(1, *), seed: 2), bias: [Float] = pattern(outputs, seed: 3)
    let plane = sizes.output.reduce(1, *)
    let expected = (0..<images * outputs * plane).map { bias[$0 / plane % outputs] }
    let attributes: [String: AttributeValue] = [
      "group": .int(Int64(groups)), "pads": .ints(sizes.pads), "strides": .ints([Int64](repeating: sizes.stride, count: rank)),
      "dilations": .ints([Int64](repeating: sizes.dilation, count: rank)), "output_padding": .ints(sizes.extra),
    ]
    let inputs = [try tensor([] as [Float], x), try tensor(w, weights), try tensor(bias, [outputs])]
    for constants in [[], [1, 2]] as [Set<Int>] {
      try expect(try evaluate("ConvTranspose", attributes: attributes, inputs, constants: constants), expected, result)
    }
    let doubles = [try tensor([] as [Double], x), try tensor(w.map(Double.init), weights), try tensor(bias.map(Double.init), [outputs])]
    try expect(try evaluate("ConvTranspose", attributes: attributes, doubles), expected.map(Double.init), result)
  }

  @Test func padsBeyondTheResult() throws {
    #expect(throws: (any Error).self) {
      try evaluate(
        "ConvTranspose", attributes: ["pads": .ints([2, 2])], [try tensor([1] as [Float], [1, 1, 1]), try tensor([1, 2] as [Float], [1, 1, 2])])
    }
  }
}
