import PinionBase
import PinionGraph
import PinionTensor

/// Integrals by trapezoids, and slopes by differences of neighbours.
extension Lowering {
  func differenceQuotients(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "trapz", "trapezoid", "cumulative_trapezoid": return [try trapezoids(c)]
    case "gradient": return try slopes(c)
    default: return nil
    }
  }

  private func trapezoids(_ c: Call) throws(PinionError) -> Term {
    let given = try c.tensor("y")
    let y = try cast(given, try c.outputElement() ?? given.element)
    let axis = try axis(try c.int("dim"), y.rank)
    try requireRank(y, 1, c)
    var pairs = try add(try slice(y, axis, 1, .max), try slice(y, axis, 0, -1))
    if let x = try c.optionalTensor("x") {
      try requireRank(x, 1, c)
      var positions = try cast(x, y.element)
      if x.rank == 1 {
        positions = try unsqueeze(positions, Array(1..<(y.rank - axis)))
      } else if x.rank < y.rank {
        positions = try unsqueeze(positions, Array(0..<(y.rank - x.rank)))
      }
      let along = positions.rank - (y.rank - axis)
      pairs = try mul(try mul(pairs, try sub(try slice(positions, along, 1, .max), try slice(positions, along, 0, -1))), 0.5)
    } else {
      pairs = try mul(pairs, try scaled(try scalar(0.5, y.element), try c.number("dx")))
    }
    return c.base == "trapezoid" || c.base == "trapz" ? try sum(pairs, [axis]) : try op("CumSum", [pairs, try scalar(Int64(axis), .int64)])
  }

  /// One slope for each axis: the parabola through three neighbours inside; at both ends a line through two, or the parabola again.
  private func slopes(_ c: Call) throws(PinionError) -> [Term] {
    let given = try c.tensor("self")
    let x = try cast(given, try c.outputElement() ?? given.element)
    let order = try c.int("edge_order")
    guard order == 1 || order == 2 else { throw .invalidModel("edges of order \(order)") }
    let axes = try c.optionalInts("dim").map { (list) throws(PinionError) in try self.axes(list, x.rank) } ?? Array(0..<x.rank)
    var gaps: [Term] = []
    switch c.argument("spacing") {
    case .tensors?:
      for positions in try c.tensors("spacing") {
        try requireRank(positions, 1, c)
        let wide = try cast(positions, x.element)
        gaps.append(try sub(try slice(wide, 0, 1, .max), try slice(wide, 0, 0, -1)))
      }
    case .floats?, .ints?: for gap in try c.optionalFloats("spacing") ?? [] { gaps.append(try scalar(gap, x.element)) }
    default: gaps = [try scalar(try c.optionalNumber("spacing") ?? .int(1), x.element)]
    }
    if gaps.count == 1 { gaps = [Term](repeating: gaps[0], count: axes.count) }
    guard gaps.count == axes.count else { throw .invalidModel("\(gaps.count) spacings for \(axes.count) dimensions") }
    var results: [Term] = []
    for (axis, gap) in zip(axes, gaps) { results.append(try slope(x, axis, gap, order)) }
    return results
  }

  /// - Parameter gap: the distance between neighbours, a scalar, or a vector of all distances.
  private func slope(_ x: Term, _ axis: Int, _ gap: Term, _ order: Int64) throws(PinionError) -> Term {
    func gaps(_ start: Int64, _ end: Int64) throws(PinionError) -> Term {
      gap.rank == 0 ? gap : try unsqueeze(try slice(gap, 0, start, end), Array(1..<(x.rank - axis)))
    }
    func values(_ start: Int64, _ end: Int64) throws(PinionError) -> Term { try slice(x, axis, start, end) }
    /// The slope at the second of three places of the parabola through them.
    func inner(_ a: Term, _ b: Term, _ c: Term, _ before: Term, _ after: Term) throws(PinionError) -> Term {
      let left = try div(try sub(b, a), before), right = try div(try sub(c, b), after)
      return try div(try add(try mul(left, after), try mul(right, before)), try add(before, after))
    }
    let middle = try inner(try values(0, -2), try values(1, -1), try values(2, .max), try gaps(0, -1), try gaps(1, .max))
    let first = try div(try sub(try values(1, 2), try values(0, 1)), try gaps(0, 1))
    let last = try div(try sub(try values(-1, .max), try values(-2, -1)), try gaps(-1, .max))
    guard order == 2 else { return try concat([first, middle, last], axis) }
    // The slopes of a parabola change evenly: at its end twice the slope half way less that at the other place.
    func outer(_ line: Term, _ other: Term, _ near: Term, _ far: Term) throws(PinionError) -> Term {
      try add(line, try div(try mul(near, try sub(line, other)), try add(near, far)))
    }
    let second = try div(try sub(try values(2, 3), try values(1, 2)), try gaps(1, 2))
    let previous = try div(try sub(try values(-2, -1), try values(-3, -2)), try gaps(-2, -1))
    return try concat(
      [
        try outer(first, second, try gaps(0, 1), try gaps(1, 2)), middle,
        try outer(last, previous, try gaps(-1, .max), try gaps(-2, -1)),
      ], axis)
  }
}
