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
}
