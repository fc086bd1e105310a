import PinionGraph
import PinionTensor
import Testing

@Suite struct GemmTests {
  @Test(arguments: [[], [1], [4], [1, 4], [3, 1], [3, 4]] as [[Int]], [Float(1), Float(2)])
  func addendsBroadcast(dims: [Int], beta: Float) throws {
    let a: [Float] = pattern(6), b: [Float] = pattern(8, seed: 2)
    let c: [Float] = pattern(dims.reduce(1, *), seed: 5)
    var expected = product(a, b, m: 3, n: 4, k: 2)
    for row in 0..<3 {
      for column in 0..<4 {
        let lastDim = dims.last ?? 1
        let index = (dims.count == 2 && dims[0] == 3 ? row * lastDim : 0) + (lastDim == 4 ? column : 0)
        expected[row * 4 + column] = 0.5 * expected[row * 4 + column] + beta * c[index]
      }
    }
    let attributes: [String: AttributeValue] = ["alpha": .float(0.5), "beta": .float(beta)]
    let inputs = [try tensor(a, [3, 2]), try tensor(b, [2, 4]), try tensor(c, dims)]
    try expect(try evaluate("Gemm", attributes: attributes, inputs, constants: [1, 2]), expected, [3, 4])
    let doubles = try [(a, [3, 2]), (b, [2, 4]), (c, dims)].map { try tensor($0.0.map(Double.init), $0.1) }
    try expect(try evaluate("Gemm", attributes: attributes, doubles), expected.map(Double.init), [3, 4])
  }

  @Test func transposedOneColumn() throws {
    // A column as result is computed as a row; its addend turns with it.
    let a: [Float] = [1, 2, 3, 4, 5, 6]
    let y = try evaluate(
      "Gemm", attributes: ["transA": .int(1), "transB": .int(1)],
      [try tensor(a, [2, 3]), try tensor([10, 1] as [Float], [1, 2]), try tensor([100, 200, 300] as [Float], [3, 1])])
    try expect(y, [114, 225, 336] as [Float], [3, 1])
  }

  @Test func integers() throws {
    let y = try evaluate(
      "Gemm", attributes: ["beta": .float(3)],
      [try tensor([1, 2] as [Int32], [1, 2]), try tensor([3, 4] as [Int32], [2, 1]), try tensor([5] as [Int32], [])])
    try expect(y, [26] as [Int32], [1, 1])
  }

  @Test func addendHasToBroadcast() throws {
    let one = try tensor([1] as [Float], [1, 1])
    #expect(throws: (any Error).self) { try evaluate("Gemm", [one, one, try tensor([1, 2] as [Float], [2])]) }
  }
}
