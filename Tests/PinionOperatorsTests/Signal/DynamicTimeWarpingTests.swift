import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct DynamicTimeWarpingTests {
  /// The least sum over all ways, by trying them.
  private func least(_ costs: [Float], _ rows: Int, _ columns: Int, _ row: Int = 0, _ column: Int = 0) -> Float {
    let own = costs[row * columns + column]
    if row == rows - 1, column == columns - 1 { return own }
    var best = Float.infinity
    for (down, right) in [(1, 1), (1, 0), (0, 1)] where row + down < rows && column + right < columns {
      best = min(best, least(costs, rows, columns, row + down, column + right))
    }
    return own + best
  }

  @Test func pathsAreTheCheapest() throws {
    for (rows, columns) in [(1, 1), (1, 5), (4, 1), (3, 4), (5, 5), (6, 3)] {
      for seed in 0..<6 {
        // No two ways cost the same: between such the operator's choice is not the cheapest one further on. Sums are exact.
        let costs = (0..<rows * columns).map { Float(($0 * 31 + seed * 17 + $0 * $0 % 7) % 10) + Float(($0 * 7919 + seed * 104_729) % 1021) / 1024 }
        let shape = seed % 2 == 0 ? [rows, columns] : [1, rows, columns]
        let y = try evaluate("DynamicTimeWarping", domain: "com.microsoft", [try tensor(costs, shape)])
        let length = y.shape.dims[1], path = Array(try y.elements(as: Int32.self)).map { Int($0) }
        let steps = (0..<length).map { (row: path[$0], column: path[length + $0]) }
        let first = try #require(steps.first), last = try #require(steps.last)
        #expect(first == (0, 0) && last == (rows - 1, columns - 1))
        for (a, b) in zip(steps, steps.dropFirst()) {
          #expect((0...1).contains(b.row - a.row) && (0...1).contains(b.column - a.column) && (a.row, a.column) != (b.row, b.column))
        }
        #expect(steps.reduce(0) { $0 + costs[$1.row * columns + $1.column] } == least(costs, rows, columns))
      }
    }
  }

  @Test func operandsAreChecked() throws {
    for dims in [[4], [2, 1, 2], [0, 4]] {
      let count = dims.reduce(1, *)
      #expect(throws: PinionError.self) {
        try evaluate("DynamicTimeWarping", domain: "com.microsoft", [try tensor([Float](repeating: 1, count: count), dims)])
      }
    }
  }
}
