import PinionBase
import PinionGraph
import PinionTensor

/// Determinants, inverses, solutions and Cholesky factors of matrices of a known, small size, by elimination.
extension Lowering {
  static let eliminationLimit = 64

  func linearAlgebra(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "linalg_det", "det", "_linalg_det": return [try eliminated(try c.tensor(c.base == "det" ? "self" : "A"), nil).determinant]
    case "logdet": return [try op("Log", [try eliminated(try c.tensor("self"), nil).determinant])]
    case "linalg_slogdet", "slogdet", "_linalg_slogdet":
      let determinant = try eliminated(try c.tensor(c.base == "slogdet" ? "self" : "A"), nil).determinant
      return [try op("Sign", [determinant]), try op("Log", [try op("Abs", [determinant])])]
    case "linalg_inv", "inverse", "linalg_inv_ex":
      let a = try c.tensor(c.base == "inverse" ? "self" : "A")
      return [try eliminated(a, try unit(a)).solution, try scalar(Int64(0), .int32)]
    case "linalg_solve", "_linalg_solve_ex", "linalg_solve_ex":
      let a = try c.tensor("A"), b = try c.tensor("B")
      guard try c.bool("left") else { return [try swapped(try eliminated(try swapped(a), try swapped(b)).solution)] }
      // Vectors, one for each matrix, are told from a matrix for all of them by their shape.
      let isVector = b.rank == 1 || b.rank == a.rank - 1 && zip(b.dims, a.dims).allSatisfy { $0 == nil || $1 == nil || $0 == $1 }
      let solution = try eliminated(a, isVector ? try unsqueeze(b, [b.rank]) : b).solution
      return [isVector ? try squeeze(solution, [solution.rank - 1]) : solution]
    case "linalg_solve_triangular":
      let isUpper = try c.bool("upper")
      var a = try op("Trilu", [try c.tensor("self")], ["upper": .int(isUpper ? 1 : 0)])
      if try c.bool("unitriangular") {
        let one = try unit(a)
        a = try add(try mul(a, try sub(try scalar(1.0, a.element), one)), one)
      }
      let b = try c.tensor("B")
      return [try c.bool("left") ? try eliminated(a, b).solution : try swapped(try eliminated(try swapped(a), try swapped(b)).solution)]
    case "linalg_cholesky", "cholesky", "linalg_cholesky_ex":
      let factor = try cholesky(try c.tensor("self"))
      let isUpper = c.has("upper") ? try c.bool("upper") : false
      return [isUpper ? try swapped(factor) : factor, try scalar(Int64(0), .int32)]
    case "cholesky_solve":
      let factor = try c.tensor("input2")
      let lower = try op("Trilu", [try c.bool("upper") ? try swapped(factor) : factor], ["upper": .int(0)])
      return [try eliminated(try matmul(lower, try swapped(lower)), try c.tensor("self")).solution]
    case "cholesky_inverse":
      let factor = try c.tensor("self")
      let lower = try op("Trilu", [try c.bool("upper") ? try swapped(factor) : factor], ["upper": .int(0)])
      let product = try matmul(lower, try swapped(lower))
      return [try eliminated(product, try unit(product)).solution]
    case "linalg_matrix_power", "matrix_power":
      let a = try c.tensor("self")
      let n = try c.int("n")
      guard abs(n) < 1 << 16 else { throw .unsupported("the matrix power \(n)") }
      if n == 0 { return [try expand(try unit(a), like: a)] }
      var square = n < 0 ? try eliminated(a, try unit(a)).solution : a
      var result: Term?
      var left = abs(n)
      while left > 0 {
        if left & 1 == 1 { result = try result.map { (term) throws(PinionError) in try matmul(term, square) } ?? square }
        left >>= 1
        if left > 0 { square = try matmul(square, square) }
      }
      return [result ?? a]
    default: return nil
    }
  }

  private func size(_ a: Term) throws(PinionError) -> Int {
    guard a.rank >= 2, let n = a.dims[a.rank - 1], a.dims[a.rank - 2] == n else { throw .unsupported("a matrix that is not square or whose size a run decides") }
    guard n <= Lowering.eliminationLimit else { throw .unsupported("elimination of matrices of \(n) rows, more than \(Lowering.eliminationLimit)") }
    return n
  }

  private func unit(_ a: Term) throws(PinionError) -> Term {
    let n = Int64(try size(a))
    let steps = try range(.known(n))
    return try cast(try equal(try unsqueeze(steps, [1]), steps), a.element)
  }

  /// Gauss and Jordan's elimination with the largest pivot of each column.
  private func eliminated(_ matrix: Term, _ right: Term?) throws(PinionError) -> (solution: Term, determinant: Term) {
    let n = try size(matrix)
    let rank = max(matrix.rank, right?.rank ?? 0)
    var a = try unsqueeze(matrix, Array(0..<(rank - matrix.rank)))
    if let right {
      let b = try unsqueeze(right, Array(0..<(rank - right.rank)))
      var lead: [Extent] = []
      for (axis, dim) in broadcast(Array(a.dims.dropLast(2)), Array(b.dims.dropLast(2))).enumerated() {
        if let dim {
          lead.append(.known(Int64(dim)))
        } else if a.dims[axis] == 1 || b.dims[axis] == 1 {
          lead.append(try extent(a.dims[axis] == 1 ? b : a, axis))
        } else {
          let first = try extentTerm(try extent(a, axis)), second = try extentTerm(try extent(b, axis))
          lead.append(.value(try binary("Max", first, second).id))
        }
      }
      a = try concat(
        [try expand(a, lead + [.known(-1), .known(-1)]), try expand(b, lead + [.known(-1), .known(-1)])], rank - 1)
    }
    let rows = try range(.known(Int64(n)))
    var determinant: Term?
    let zero = try scalar(0.0, a.element), one = try scalar(1.0, a.element)
    for step in 0..<n {
      let own = try scalar(Int64(step), .int64)
      let column = try gather(a, own, rank - 1)
      let isBelow = try binary("GreaterOrEqual", rows, own, element: .bool)
      let sizes = try choose(isBelow, try op("Abs", [column]), try scalar(-1.0, a.element))
      let pivot = try op("ArgMax", [sizes], ["axis": .int(Int64(rank - 2)), "keepdims": .int(1)], element: .int64, dims: Array(column.dims.dropLast()) + [1])
      let order = try choose(try equal(rows, own), pivot, try choose(try equal(rows, pivot), own, rows))
      let places = try expand(try unsqueeze(order, [rank - 1]), like: a)
      a = try op("GatherElements", [a, places], ["axis": .int(Int64(rank - 2))])
      let row = try slice(a, rank - 2, Int64(step), Int64(step + 1))
      let diagonal = try slice(row, rank - 1, Int64(step), Int64(step + 1))
      let value = try squeeze(diagonal, [rank - 2, rank - 1])
      let isSwapped = try not(try equal(try squeeze(pivot, [rank - 2]), own))
      let factor = try choose(isSwapped, try op("Neg", [value]), value)
      determinant = try determinant.map { (term) throws(PinionError) in try mul(term, factor) } ?? factor
      let isSingular = try equal(diagonal, zero)
      let scaledRow = try div(row, right == nil ? try choose(isSingular, one, diagonal) : diagonal)
      let isOwn = try unsqueeze(try equal(rows, own), [1])
      let rest = try slice(a, rank - 1, Int64(step), Int64(step + 1))
      a = try choose(isOwn, scaledRow, try sub(a, try mul(rest, scaledRow)))
    }
    let solution = right == nil ? a : try slice(a, rank - 1, Int64(n), .max)
    return (solution, determinant ?? one)
  }

  private func cholesky(_ matrix: Term) throws(PinionError) -> Term {
    let n = try size(matrix)
    guard n > 0 else { return matrix }
    var a = matrix
    let rows = try unsqueeze(try range(.known(Int64(n))), [1])
    var columns: [Term] = []
    for step in 0..<n {
      let column = try slice(a, a.rank - 1, Int64(step), Int64(step + 1))
      let pivot = try slice(column, a.rank - 2, Int64(step), Int64(step + 1))
      let isBelow = try binary("GreaterOrEqual", rows, try scalar(Int64(step), .int64), element: .bool)
      let l = try choose(isBelow, try div(column, try op("Sqrt", [pivot])), try scalar(0.0, a.element))
      columns.append(l)
      a = try sub(a, try matmul(l, try swapped(l)))
    }
    return try concat(columns, a.rank - 1)
  }
}
