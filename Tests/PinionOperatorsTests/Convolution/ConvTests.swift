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
    arguments: [
      (4, 6, 1, 1, 0, 1), (4, 6, 2, 2, 1, 1), (6, 6, 6, 1, 1, 2), (3, 40, 1, 1, 2, 1), (6, 12, 6, 2, 1, 1),
      // Planes in the lanes of vectors; outer taps that only meet padding; taps that do so in a part of the output.
      (40, 40, 40, 1, 1, 1), (40, 40, 40, 2, 1, 1), (8, 6, 1, 1, 12, 12), (8, 6, 2, 2, 12, 12), (64, 20, 1, 1, 6, 6), (64, 40, 2, 2, 5, 5),
      // Few channels of many tiles.
      (16, 16, 1, 1, 1, 1),
    ], [false, true])
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

  /// Frames of streams and the last maps of small pictures, of which all images together fill no vector: 2 images of 2x2 with 3x3 taps, 3 frames of
  /// 5 taps that jump, an odd map behind a stride, 12 single positions; and groups.
  @Test(
    arguments: [
      (2, 12, 20, 1, 2, 2, 3, 3, 1, 1, 1), (1, 16, 32, 2, 1, 7, 1, 3, 2, 0, 1), (1, 24, 70, 1, 5, 5, 3, 3, 2, 1, 1),
      (12, 40, 16, 1, 1, 1, 1, 1, 1, 0, 1), (3, 32, 33, 1, 2, 2, 1, 1, 1, 0, 1), (1, 8, 48, 2, 3, 3, 3, 3, 1, 2, 2),
    ], [false, true])
  func fewPositions(
    sizes: (
      images: Int, channels: Int, outputs: Int, groups: Int, height: Int, width: Int, kernelHeight: Int, kernelWidth: Int, stride: Int, pad: Int,
      dilation: Int
    ), hasBias: Bool
  ) throws {
    let s = sizes, kernel = (s.kernelHeight, s.kernelWidth)
    let plane = s.channels * s.height * s.width
    let x: [Float] = pattern(s.images * plane), bias: [Float] = pattern(s.outputs, seed: 3)
    let w: [Float] = pattern(s.outputs * s.channels / s.groups * kernel.0 * kernel.1, seed: 2)
    var expected: [Float] = [], dims: [Int] = []
    for image in 0..<s.images {
      let (values, height, width) = convolution(
        Array(x[image * plane..<(image + 1) * plane]), w, channels: s.channels, outputs: s.outputs, groups: s.groups, size: (s.height, s.width),
        kernel: kernel, stride: s.stride, pad: s.pad, dilation: s.dilation)
      let size = height * width
      expected += values.indices.map { max(values[$0] + (hasBias ? bias[$0 / size] : 0), 0) }
      dims = [s.images, s.outputs, height, width]
    }
    let inputs = [try tensor(x, [s.images, s.channels, s.height, s.width]), try tensor(w, [s.outputs, s.channels / s.groups, kernel.0, kernel.1])]
    let y = try evaluate(
      "FusedConv", domain: "pinion",
      attributes: [
        "activation": .string("relu"), "group": .int(Int64(s.groups)), "strides": .ints([Int64](repeating: Int64(s.stride), count: 2)),
        "pads": .ints([Int64](repeating: Int64(s.pad), count: 4)), "dilations": .ints([Int64](repeating: Int64(s.dilation), count: 2)),
      ], inputs + (hasBias ? [try tensor(bias, [s.outputs])] : []), constants: [1])
    try expect(y, expected, dims)
  }

  /// Kernels of 3x3 with taps in depth over enough tiles for transformed planes: the depth is a sum of convolutions of planes.
  @Test(arguments: [(1, 9, 0), (3, 9, 1), (3, 10, 0), (2, 9, 1)], [1, 2]) func planesInDepth(depth: (taps: Int, planes: Int, pad: Int), groups: Int) throws {
    let channels = 5, outputs = 4, size = (14, 23), plane = size.0 * size.1, images = 2
    let inputs: Int = groups * channels, results: Int = groups * outputs, kernels: Int = results * channels
    let x: [Float] = pattern(images * inputs * depth.planes * plane), w: [Float] = pattern(kernels * depth.taps * 9, seed: 2)
    let deep: Int = depth.planes + 2 * depth.pad - depth.taps + 1
    var expected: [Float] = []
    for image in 0..<images {
      var sums = [Float](repeating: 0, count: results * deep * plane)
      for d in 0..<deep {
        for tap in 0..<depth.taps {
          let from: Int = d + tap - depth.pad
          guard (0..<depth.planes).contains(from) else { continue }
          var picture: [Float] = [], taps: [Float] = []
          for channel in 0..<inputs {
            let start: Int = ((image * inputs + channel) * depth.planes + from) * plane
            picture += x[start..<start + plane]
          }
          for kernel in 0..<kernels {
            let start: Int = (kernel * depth.taps + tap) * 9
            taps += w[start..<start + 9]
          }
          let part = convolution(
            picture, taps, channels: inputs, outputs: results, groups: groups, size: size, kernel: (3, 3), stride: 1, pad: 1, dilation: 1)
          for output in 0..<results {
            let to: Int = (output * deep + d) * plane
            for position in 0..<plane { sums[to + position] += part.values[output * plane + position] }
          }
        }
      }
      expected += sums
    }
    let pads = [depth.pad, 1, 1, depth.pad, 1, 1].map { Int64($0) }
    let operands = [
      try tensor(x, [images, inputs, depth.planes, size.0, size.1]), try tensor(w, [results, channels, depth.taps, 3, 3]),
    ]
    let y = try evaluate("Conv", attributes: ["group": .int(Int64(groups)), "pads": .ints(pads)], operands, constants: [1])
    try expect(y, near: expected, [images, results, deep, size.0, size.1], tolerance: 1e-3)
  }

  /// Kernels that cover their input once.
  @Test(arguments: [1, 3, 6], [false, true]) func onePosition(images: Int, isConstant: Bool) throws {
    let x: [Float] = pattern(images * 20 * 6), w: [Float] = pattern(9 * 20 * 6, seed: 2), bias: [Float] = pattern(9, seed: 3)
    var expected: [Float] = []
    for image in 0..<images {
      for output in 0..<9 {
        let sum = (0..<120).reduce(bias[output]) { $0 + x[image * 120 + $1] * w[output * 120 + $1] }
        expected.append(max(sum, 0))
      }
    }
    let inputs = [try tensor(x, [images, 20, 2, 3]), try tensor(w, [9, 20, 2, 3]), try tensor(bias, [9])]
    let y = try evaluate(
      "FusedConv", domain: "pinion", attributes: ["activation": .string("relu")], inputs, constants: isConstant ? [1] : [])
    try expect(y, expected, [images, 9, 1, 1])
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

  struct Sizes: Sendable {
    let input: [Int]
    let kernel: [Int]
    let pads: [Int64]
    let stride: Int64
    let output: [Int]
  }

  private static let withoutElements = [
    Sizes(input: [0], kernel: [4], pads: [3, 3], stride: 1, output: [3]),
    Sizes(input: [0, 5], kernel: [3, 2], pads: [2, 0, 1, 1], stride: 2, output: [1, 3]),
    Sizes(input: [6, 0], kernel: [1, 3], pads: [0, 2, 0, 2], stride: 1, output: [6, 2]),
    Sizes(input: [0, 0], kernel: [1, 1], pads: [1, 4, 0, 5], stride: 1, output: [1, 9]),
    Sizes(input: [2, 0, 2], kernel: [2, 2, 2], pads: [0, 1, 0, 0, 1, 0], stride: 1, output: [1, 1, 1]),
    Sizes(input: [0, 1, 1, 2], kernel: [1, 1, 1, 1], pads: [2, 0, 0, 0, 0, 0, 0, 0], stride: 1, output: [2, 1, 1, 2]),
  ]

  /// Windows over an image without elements see padding alone: the bias is left, and what is added to it.
  @Test(arguments: ConvTests.withoutElements, [1, 2]) func imagesWithoutElements(sizes: Sizes, groups: Int) throws {
    let images = 2, channels = 4, outputs = 6, rank = sizes.input.count
    let x = [images, channels] + sizes.input, weights = [outputs, channels / groups] + sizes.kernel, result = [images, outputs] + sizes.output
    let w: [Float] = pattern(weights.reduce(1, *), seed: 2), bias: [Float] = pattern(outputs, seed: 3)
    let plane = sizes.output.reduce(1, *)
    let expected = (0..<images * outputs * plane).map { bias[$0 / plane % outputs] }
    let attributes: [String: AttributeValue] = [
      "group": .int(Int64(groups)), "pads": .ints(sizes.pads), "strides": .ints([Int64](repeating: sizes.stride, count: rank)),
    ]
    let inputs = [try tensor([] as [Float], x), try tensor(w, weights), try tensor(bias, [outputs])]
    for constants in [[], [1, 2]] as [Set<Int>] {
      try expect(try evaluate("Conv", attributes: attributes, inputs, constants: constants), expected, result)
    }
    try expect(try evaluate("Conv", attributes: attributes, Array(inputs.prefix(2))), expected.map { _ in Float(0) }, result)
    let doubles = [try tensor([] as [Double], x), try tensor(w.map(Double.init), weights), try tensor(bias.map(Double.init), [outputs])]
    try expect(try evaluate("Conv", attributes: attributes, doubles), expected.map(Double.init), result)
    let added: [Float] = pattern(expected.count, seed: 4)
    let y = try evaluate(
      "FusedConv", domain: "pinion", attributes: attributes.merging(["activation": .string("relu")]) { $1 },
      inputs + [try tensor(added, result)])
    try expect(y, zip(expected, added).map { max($0 + $1, 0) }, result)
  }

  /// Over four axes: the product of one window with the weights 1, the bias, the residual, then the activation.
  @Test func epilogueOverManyAxes() throws {
    let y = try evaluate(
      "FusedConv", domain: "pinion", attributes: ["activation": .string("relu")],
      [
        try tensor([1, 2, 3] as [Float], [1, 1, 1, 1, 1, 3]), try tensor([1, 1, -1, -1] as [Float], [2, 1, 1, 1, 1, 2]),
        try tensor([10, 1] as [Float], [2]), try tensor([100, 200, 3, 4] as [Float], [1, 2, 1, 1, 1, 2]),
      ])
    try expect(y, [113, 215, 1, 0] as [Float], [1, 2, 1, 1, 1, 2])
  }

  @Test func windowHasToFit() throws {
    #expect(throws: (any Error).self) {
      try evaluate("Conv", [try tensor([1, 2] as [Float], [1, 1, 2]), try tensor([1, 2, 3] as [Float], [1, 1, 3])])
    }
  }
}
