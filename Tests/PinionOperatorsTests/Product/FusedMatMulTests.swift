import PinionGraph
import PinionTensor
import Testing

@Suite struct FusedMatMulTests {
  @Test func biasThenActivation() throws {
    let a: [Float] = pattern(12), b: [Float] = pattern(20, seed: 2), bias: [Float] = [-3, 2, 0, 5, 1]
    let sums = product(a, b, m: 3, n: 5, k: 4)
    let expected = sums.indices.map { max(sums[$0] * 2 + bias[$0 % 5], 0) }
    let transposed = (0..<20).map { b[$0 % 4 * 5 + $0 / 4] }
    for constants: Set<Int> in [[], [1, 2]] {
      let y = try evaluate(
        "FusedMatMul", domain: "pinion", attributes: ["activation": .string("relu"), "alpha": .float(2), "transB": .int(1)],
        [try tensor(a, [3, 4]), try tensor(transposed, [5, 4]), try tensor(bias, [5])], constants: constants)
      try expect(y, expected, [3, 5])
    }
  }

  @Test func rowsBeforeTheBatch() throws {
    // A is [m, batch, k].
    let a: [Float] = pattern(12), b: [Float] = pattern(12, seed: 3)
    var expected: [Float] = []
    for batch in 0..<2 {
      var rows: [Float] = []
      for row in 0..<3 {
        let start = (row * 2 + batch) * 2
        rows += a[start..<(start + 2)]
      }
      expected += product(rows, Array(b[(batch * 6)..<(batch * 6 + 6)]), m: 3, n: 3, k: 2)
    }
    let y = try evaluate(
      "FusedMatMul", domain: "pinion", attributes: ["transBatchA": .int(1)], [try tensor(a, [3, 2, 2]), try tensor(b, [2, 2, 3])])
    try expect(y, expected, [2, 3, 3])
  }

  @Test func activationOfGemm() throws {
    let y = try evaluate(
      "FusedGemm", domain: "pinion", attributes: ["activation": .string("clip"), "activation_params": .floats([-1, 4])],
      [try tensor([1, 2] as [Float], [1, 2]), try tensor([1, -1, 3, -1] as [Float], [2, 2]), try tensor([1] as [Float], [1])])
    try expect(y, [4, -1] as [Float], [1, 2])
  }
}
