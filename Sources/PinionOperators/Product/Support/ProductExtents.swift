import PinionCPU
import PinionGraph

extension FactContext {
  /// The extents of two inputs multiplied as `numpy.matmul` does.
  func product(
    _ a: Int, _ b: Int, _ transposition: MatrixProduct.Transposition = MatrixProduct.Transposition()
  ) -> [Int?]? {
    guard let left = self[a].dims, let right = self[b].dims, !left.isEmpty, !right.isEmpty else { return nil }
    let (rows, _, leftBatch) = matrices(left.count == 1 ? [1] + left : left, left.count > 1 && transposition.a, transposition.batchA)
    let (_, columns, rightBatch) = matrices(right.count == 1 ? right + [1] : right, right.count > 1 && transposition.b, transposition.batchB)
    guard var dims = Fact.broadcast([leftBatch, rightBatch], symbols) else { return nil }
    // A vector is a row or a column that leaves no axis in the result.
    if left.count > 1 { dims.append(rows) }
    if right.count > 1 { dims.append(columns) }
    return dims
  }

  private func matrices(_ dims: [Int?], _ isTransposed: Bool, _ isRowFirst: Bool) -> (rows: Int?, columns: Int?, batch: [Int?]) {
    let rank = dims.count, isRowFirst = isRowFirst && rank > 2
    let outer = isRowFirst ? dims[0] : dims[rank - 2], inner = dims[rank - 1]
    return (isTransposed ? inner : outer, isTransposed ? outer : inner, Array(isRowFirst ? dims[1..<(rank - 1)] : dims[..<(rank - 2)]))
  }
}
