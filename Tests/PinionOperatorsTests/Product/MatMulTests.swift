import PinionTensor
import Testing

/// The product of row-major matrices, straight from its definition.
func product<T: Numeric>(_ a: [T], _ b: [T], m: Int, n: Int, k: Int) -> [T] {
  var c = [T](repeating: 0, count: m * n)
  for i in 0..<m {
    for j in 0..<n {
      for p in 0..<k { c[i * n + j] += a[i * k + p] * b[p * n + j] }
    }
  }
  return c
}

/// Small whole numbers, so that every sum is exact in every type and order.
func pattern<T: BinaryFloatingPoint>(_ count: Int, seed: Int = 1) -> [T] { (0..<count).map { T(($0 * 7 + seed * 3) % 11 - 5) } }
func pattern<T: BinaryInteger>(_ count: Int, seed: Int = 1) -> [T] { (0..<count).map { T(($0 * 7 + seed * 3) % 11) } }

@Suite struct MatMulTests {
  @Test(arguments: [(1, 1, 1), (1, 40, 9), (40, 1, 9), (5, 70, 600), (300, 33, 17), (3, 5, 0)], [[], [0], [1]] as [Set<Int>])
  func againstDefinition(sizes: (m: Int, n: Int, k: Int), constants: Set<Int>) throws {
    let (m, n, k) = sizes
    let a: [Float] = pattern(m * k), b: [Float] = pattern(k * n, seed: 2)
    let y = try evaluate("MatMul", [try tensor(a, [m, k]), try tensor(b, [k, n])], constants: constants)
    try expect(y, product(a, b, m: m, n: n, k: k), [m, n])
  }

  @Test func doublesAndIntegers() throws {
    let (m, n, k) = (9, 37, 300)
    let a: [Double] = pattern(m * k), b: [Double] = pattern(k * n, seed: 2)
    try expect(try evaluate("MatMul", [try tensor(a, [m, k]), try tensor(b, [k, n])]), product(a, b, m: m, n: n, k: k), [m, n])
    let c: [Int64] = pattern(m * k), d: [Int64] = pattern(k * n, seed: 2)
    try expect(try evaluate("MatMul", [try tensor(c, [m, k]), try tensor(d, [k, n])]), product(c, d, m: m, n: n, k: k), [m, n])
    let e: [UInt32] = pattern(m * k), f: [UInt32] = pattern(k * n, seed: 2)
    try expect(try evaluate("MatMul", [try tensor(e, [m, k]), try tensor(f, [k, n])]), product(e, f, m: m, n: n, k: k), [m, n])
  }

  @Test func batchesBroadcast() throws {
    // [2,1,2,3] by [3,3,2] gives [2,3,2,2].
    let a: [Float] = pattern(12), b: [Float] = pattern(18, seed: 4)
    var expected: [Float] = []
    for i in 0..<2 {
      for j in 0..<3 { expected += product(Array(a[(i * 6)..<(i * 6 + 6)]), Array(b[(j * 6)..<(j * 6 + 6)]), m: 2, n: 2, k: 3) }
    }
    for constants: Set<Int> in [[], [0], [1]] {
      try expect(
        try evaluate("MatMul", [try tensor(a, [2, 1, 2, 3]), try tensor(b, [3, 3, 2])], constants: constants), expected, [2, 3, 2, 2])
    }
  }

  @Test func vectors() throws {
    let a: [Float] = [1, 2, 3]
    try expect(try evaluate("MatMul", [try tensor(a, [3]), try tensor(a, [3])]), [14] as [Float], [])
    try expect(try evaluate("MatMul", [try tensor([1, 0, 0, 0, 1, 1] as [Float], [2, 3]), try tensor(a, [3])]), [1, 5] as [Float], [2])
  }

  @Test func halfPrecision() throws {
    let a: [Float16] = pattern(6), b: [Float16] = pattern(12, seed: 3)
    for constants: Set<Int> in [[], [1]] {
      try expect(
        try evaluate("MatMul", [try tensor(a, [2, 3]), try tensor(b, [3, 4])], constants: constants),
        product(a, b, m: 2, n: 4, k: 3), [2, 4])
    }
  }

  @Test func depthsHaveToAgree() throws {
    #expect(throws: (any Error).self) { try evaluate("MatMul", [try tensor([1, 2] as [Float], [1, 2]), try tensor([1] as [Float], [1, 1])]) }
  }
}
