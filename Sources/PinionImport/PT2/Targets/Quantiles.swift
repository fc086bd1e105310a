import PinionBase
import PinionGraph
import PinionTensor

/// Medians, quantiles and other elements by their rank. What is no number comes after all numbers in an ascending order.
extension Lowering {
  func quantiles(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "median", "nanmedian", "kthvalue":
      let x = try c.tensor("self")
      if x.rank == 0 { return [x, try scalar(Int64(0), .int64)] }
      let hasAxis = c.key.hasSuffix(".dim") || c.base == "kthvalue"
      let rows = hasAxis ? x : try reshape(x, [-1])
      let axis = hasAxis ? try axis(try c.int("dim"), x.rank) : 0
      let keep = hasAxis ? try c.bool("keepdim") : false
      let results: [Term]
      switch c.base {
      case "kthvalue": results = try ranked(rows, axis, try scalar(try c.int("k") - 1, .int64), keep: keep)
      case "nanmedian" where x.element.isFloatingPoint: results = try medianOfNumbers(rows, axis, keep: keep)
      default: results = try median(rows, axis, keep: keep)
      }
      return hasAxis ? results : [results[0]]
    case "mode": return try mode(c)
    case "quantile", "nanquantile": return [try quantile(c)]
    default: return nil
    }
  }

  private func middle(_ x: Term, _ axis: Int) throws(PinionError) -> Term {
    let count = try extentTerm(try extent(x, axis))
    return try div(try sub(count, try scalar(Int64(1), .int64)), try scalar(Int64(2), .int64))
  }

  /// Value and place of the element at a position in ascending order.
  private func ranked(_ x: Term, _ axis: Int, _ position: Term, keep: Bool) throws(PinionError) -> [Term] {
    var results: [Term] = []
    for list in try sorted(x, axis, descending: false) {
      let taken = try gather(list, position, axis)
      results.append(keep ? try unsqueeze(taken, [axis]) : taken)
    }
    return results
  }

  /// The lower of the two elements in the middle; where one is no number, the first such one.
  private func median(_ x: Term, _ axis: Int, keep: Bool) throws(PinionError) -> [Term] {
    let results = try ranked(x, axis, try middle(x, axis), keep: keep)
    guard x.element.isFloatingPoint else { return results }
    let isNone = try cast(try op("IsNaN", [x], element: .bool), .uint8)
    let dims = results[0].dims
    let attributes: [String: AttributeValue] = ["axis": .int(Int64(axis)), "keepdims": .int(keep ? 1 : 0)]
    let place = try op("ArgMax", [isNone], attributes, element: .int64, dims: dims)
    let hasNone = try cast(try reduce("ReduceMax", isNone, [axis], keep: keep), .bool)
    return [try choose(hasNone, try scalar(.nan, x.element), results[0]), try choose(hasNone, place, results[1])]
  }

  /// The median of what is a number.
  private func medianOfNumbers(_ x: Term, _ axis: Int, keep: Bool) throws(PinionError) -> [Term] {
    let count = try sum(try cast(try not(try op("IsNaN", [x], element: .bool)), .int64), [axis], keep: true)
    let one = try scalar(Int64(1), .int64)
    let position = try div(try binary("Max", try sub(count, one), try scalar(Int64(0), .int64)), try scalar(Int64(2), .int64))
    var results: [Term] = []
    for list in try sorted(x, axis, descending: false) {
      let taken = try op("GatherElements", [list, position], ["axis": .int(Int64(axis))], dims: position.dims)
      results.append(keep ? taken : try squeeze(taken, [axis]))
    }
    return results
  }

  private func mode(_ c: Call) throws(PinionError) -> [Term] {
    let x = try c.tensor("self")
    if x.rank == 0 { return [x, try scalar(Int64(0), .int64)] }
    let axis = try axis(try c.int("dim"), x.rank)
    var order = Array(0..<x.rank)
    order.remove(at: axis)
    let rows = try transpose(x, order + [axis])
    let last = rows.rank - 1
    let list = try sorted(rows, last, descending: false)[0]
    let counts = try sum(try cast(try equal(try unsqueeze(list, [last + 1]), try unsqueeze(list, [last])), .int64), [last + 1])
    let best = try op("ArgMax", [counts], ["axis": .int(Int64(last)), "keepdims": .int(1)], element: .int64, dims: Array(rows.dims.dropLast()) + [1])
    let value = try op("GatherElements", [list, best], ["axis": .int(Int64(last))], dims: best.dims)
    let places = try choose(try equal(rows, value), try range(try extent(rows, last)), try scalar(Int64(-1), .int64))
    let place = try reduce("ReduceMax", places, [last], keep: true)
    var results: [Term] = []
    for result in [value, place] {
      let flat = try squeeze(result, [last])
      results.append(try c.bool("keepdim") ? try unsqueeze(flat, [axis]) : flat)
    }
    return results
  }

  /// Quantiles of one probability or a list of them, the list's dimension in front.
  private func quantile(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("self")
    let keep = try c.bool("keepdim")
    let given = try c.optionalInt("dim")
    let axis = try given.map { (dim) throws(PinionError) in try self.axis(dim, x.rank) } ?? 0
    // The elements that are compared along the last dimension.
    var rows = given == nil || x.rank == 0 ? try reshape(x, [-1]) : x
    if given != nil, x.rank > 0 {
      var order = Array(0..<x.rank)
      order.remove(at: axis)
      rows = try transpose(x, order + [axis])
    }
    let last = rows.rank - 1
    let list = try sorted(rows, last, descending: false)[0]
    let one = try scalar(1.0, x.element), zero = try scalar(0.0, x.element)

    let isNone = try op("IsNaN", [rows], element: .bool)
    let found = try sum(try cast(try not(isNone), x.element), [last], keep: true)
    var wanted = try term(try c.operand("q"), x.element)
    let isList = wanted.rank > 0
    if !isList { wanted = try unsqueeze(wanted, [0]) }
    var position = try mul(wanted, try binary("Max", try sub(found, one), zero))
    if c.base == "quantile" {
      let count = try cast(try extentTerm(try extent(rows, last)), x.element)
      position = try choose(try less(found, count), try sub(count, one), position)
    }
    func element(_ position: Term) throws(PinionError) -> Term {
      try op("GatherElements", [list, try cast(position, .int64)], ["axis": .int(Int64(last))], dims: position.dims)
    }
    var result: Term
    let low = try op("Floor", [position]), high = try op("Ceil", [position])
    switch try c.string("interpolation") {
    case "lower": result = try element(low)
    case "higher": result = try element(high)
    case "nearest": result = try element(try op("Round", [position]))
    case "midpoint":
      let first = try element(low)
      result = try add(first, try mul(try sub(try element(high), first), 0.5))
    case "linear":
      let first = try element(low)
      result = try add(first, try mul(try sub(try element(high), first), try sub(position, low)))
    case let other: throw .unsupported("interpolation '\(other)'")
    }
    if isList { result = try transpose(result, [last] + Array(0..<last)) } else { result = try squeeze(result, [last]) }
    guard keep else { return result }
    let lead = isList ? 1 : 0
    return try unsqueeze(result, given == nil ? Array(lead..<(lead + x.rank)) : x.rank == 0 ? [] : [lead + axis])
  }
}
