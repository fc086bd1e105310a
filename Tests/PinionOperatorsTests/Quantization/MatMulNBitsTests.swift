import PinionGraph
import PinionTensor
import Testing

@Suite struct MatMulNBitsTests {
  @Test(arguments: [(1, 4, 16), (3, 4, 32), (9, 4, 32), (2, 8, 16), (2, 2, 16)], [false, true])
  func againstDefinition(sizes: (m: Int, bits: Int, block: Int), hasZeros: Bool) throws {
    let (m, bits, block) = sizes
    let n = 5, k = 70
    let blocks = (k + block - 1) / block, blob = block * bits / 8, zeroBytes = (blocks * bits + 7) / 8
    let codes = (0..<(n * blocks * blob)).map { UInt8(($0 * 89 + 7) % 256) }
    let scales = (0..<(n * blocks)).map { Float($0 % 3 + 1) / 4 }
    let zeros = (0..<(n * zeroBytes)).map { UInt8(($0 * 53 + 11) % 256) }
    let a: [Float] = pattern(m * k)
    func field(_ bytes: [UInt8], _ start: Int, _ index: Int) -> Int {
      Int(bytes[start + index * bits / 8] >> UInt8(index * bits % 8)) & ((1 << bits) - 1)
    }
    var weights = [Float](repeating: 0, count: k * n)
    for row in 0..<n {
      for p in 0..<k {
        let code = field(codes, (row * blocks + p / block) * blob, p % block)
        let zero = hasZeros ? field(zeros, row * zeroBytes, p / block) : 1 << (bits - 1)
        weights[p * n + row] = Float(code - zero) * scales[row * blocks + p / block]
      }
    }
    let inputs: [Tensor?] = [
      try tensor(a, [m, k]), try tensor(codes, [n, blocks, blob]), try tensor(scales, [n * blocks]),
      hasZeros ? try tensor(zeros, [n * zeroBytes]) : nil,
    ]
    let attributes: [String: AttributeValue] = [
      "K": .int(Int64(k)), "N": .int(Int64(n)), "bits": .int(Int64(bits)), "block_size": .int(Int64(block)),
    ]
    for constants: Set<Int> in [[], [1, 2, 3]] {
      let y = try evaluate("MatMulNBits", domain: "com.microsoft", attributes: attributes, inputs, constants: constants)
      try expect(y, near: product(a, weights, m: m, n: n, k: k), [m, n], tolerance: 1e-4)
    }
  }

  /// At accuracy level 4 activations become whole numbers up to 127 times a scale for each block. Such as are that already give the exact
  /// product, others one that is off by at most half a scale for each weight.
  @Test(arguments: [1, 3, 140], [false, true]) func roundedActivations(m: Int, isExact: Bool) throws {
    let n = 37, k = 90, block = 32, blocks = 3
    let codes = (0..<(n * blocks * 16)).map { UInt8(($0 * 89 + 7) % 256) }
    let scales = (0..<(n * blocks)).map { Float($0 % 3 + 1) / 4 }
    let zeros = (0..<(n * 2)).map { UInt8(($0 * 53 + 11) % 256) }
    var a = [Float](repeating: 0, count: m * k)
    for index in a.indices {
      let isFirst = index % k % block == 0, number = Float((index * 31 + 5) % 255) - 127
      a[index] = isExact ? (isFirst ? 127 : number) / 64 : number * 0.013 + 0.001
    }
    let bias = (0..<n).map { Float($0) }
    var expected = [Float](repeating: 0, count: m * n), slack: Float = 0
    for row in 0..<m {
      for column in 0..<n {
        var sum = Double(bias[column]), weights = 0.0
        for p in 0..<k {
          let block = p / block, byte = codes[(column * blocks + block) * 16 + p % 32 / 2]
          let code = p % 2 == 0 ? byte & 15 : byte >> 4
          let zero = zeros[column * 2 + block / 2] >> UInt8(block % 2 * 4) & 15
          let weight = (Double(code) - Double(zero)) * Double(scales[column * blocks + block])
          sum += Double(a[row * k + p]) * weight
          weights += abs(weight)
        }
        expected[row * n + column] = Float(sum)
        slack = max(slack, Float(weights) * 0.014 / 2)
      }
    }
    let y = try evaluate(
      "MatMulNBits", domain: "com.microsoft",
      attributes: ["K": .int(Int64(k)), "N": .int(Int64(n)), "bits": .int(4), "block_size": .int(32), "accuracy_level": .int(4)],
      [
        try tensor(a, [m, k]), try tensor(codes, [n, blocks, 16]), try tensor(scales, [n * blocks]), try tensor(zeros, [n * 2]), nil,
        try tensor(bias, [n]),
      ], constants: [1, 2, 3])
    try expect(y, near: expected, [m, n], tolerance: isExact ? 1e-3 : slack)
  }
}
