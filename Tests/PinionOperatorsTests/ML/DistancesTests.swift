import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct DistancesTests {
  private func run(_ a: Tensor, _ b: Tensor, _ metric: String?) throws -> Tensor {
    try evaluate("CDist", domain: "com.microsoft", attributes: metric.map { ["metric": .string($0)] } ?? [:], [a, b])
  }

  // From (0, 0) and (3, 4) to (3, 4), (0, 1) and (-3, -4).
  @Test func measures() throws {
    let squares = [25, 1, 25, 0, 18, 100]
    let a = [0, 0, 3, 4], b = [3, 4, 0, 1, -3, -4]
    for metric in [nil, "sqeuclidean"] {
      try expect(try run(try tensor(a.map(Float.init), [2, 2]), try tensor(b.map(Float.init), [3, 2]), metric), squares.map(Float.init), [2, 3])
      try expect(try run(try tensor(a.map(Double.init), [2, 2]), try tensor(b.map(Double.init), [3, 2]), metric), squares.map(Double.init), [2, 3])
    }
    try expect(
      try run(try tensor(a.map(Double.init), [2, 2]), try tensor(b.map(Double.init), [3, 2]), "euclidean"),
      squares.map { Double($0).squareRoot() }, [2, 3])
    try expect(try run(try tensor([Float](), [0, 2]), try tensor([Float(1), 2], [1, 2]), nil), [Float](), [0, 1])
    try expect(try run(try tensor([Float](), [2, 0]), try tensor([Float](), [1, 0]), nil), [Float(0), 0], [2, 1])
  }

  // Whole numbers, whose sums are exact; more features than a vector has lanes.
  @Test func longRows() throws {
    let columns = 37
    let a = (0..<5 * columns).map { Float($0 % 7) }, b = (0..<4 * columns).map { Float($0 % 5) }
    let expected = (0..<5).flatMap { row in
      (0..<4).map { other in
        (0..<columns).reduce(Float(0)) { $0 + (a[row * columns + $1] - b[other * columns + $1]) * (a[row * columns + $1] - b[other * columns + $1]) }
      }
    }
    try expect(try run(try tensor(a, [5, columns]), try tensor(b, [4, columns]), nil), expected, [5, 4])
  }

  // Enough rows that B is packed, cut into several tasks: the differences of whole numbers below 7 have exact sums.
  @Test(arguments: [(8, 1, 1), (20, 70, 37), (150, 3000, 40)]) func manyRows(_ rows: Int, _ others: Int, _ columns: Int) throws {
    let a = (0..<rows * columns).map { $0 * $0 % 7 }, b = (0..<others * columns).map { $0 * 3 % 5 }
    var expected: [Int] = []
    for row in 0..<rows {
      for other in 0..<others {
        expected.append((0..<columns).reduce(0) { $0 + (a[row * columns + $1] - b[other * columns + $1]) * (a[row * columns + $1] - b[other * columns + $1]) })
      }
    }
    let x = try tensor(a.map(Float.init), [rows, columns]), y = try tensor(b.map(Float.init), [others, columns])
    try expect(try run(x, y, nil), expected.map(Float.init), [rows, others])
    try expect(try run(x, y, "euclidean"), expected.map { Float($0).squareRoot() }, [rows, others])
  }

  @Test func refuses() throws {
    let a = try tensor([Float(1), 2], [1, 2])
    #expect(throws: PinionError.self) { try run(a, try tensor([Float(1)], [1, 1]), nil) }
    #expect(throws: PinionError.self) { try run(a, try tensor([Float(1), 2], [2]), nil) }
    #expect(throws: PinionError.self) { try run(a, a, "cosine") }
  }
}
