import PinionBase
import PinionGraph
import PinionTensor

/// Sorting, running sums and maxima, searching and counting.
extension Lowering {
  func sorting(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "topk":
      let x = try c.tensor("self")
      return try top(x, try extentTerm(try c.extent("k")), try axis(try c.int("dim"), x.rank), largest: try c.bool("largest"))
    case "sort", "argsort", "msort":
      let x = try c.tensor("self")
      guard x.rank > 0 else { return c.base == "argsort" ? [try scalar(Int64(0), .int64)] : [x, try scalar(Int64(0), .int64)] }
      let axis = c.base == "msort" ? 0 : try axis(try c.int("dim"), x.rank)
      let isDescending = c.base == "msort" ? false : try c.bool("descending")
      let results = try sorted(x, axis, descending: isDescending)
      return c.base == "argsort" ? [results[1]] : results
    case "median", "nanmedian", "kthvalue":
      let x = try c.tensor("self")
      if x.rank == 0 { return [x, try scalar(Int64(0), .int64)] }
      guard c.key.hasSuffix(".dim") || c.base == "kthvalue" else {
        let flat = try reshape(x, [-1])
        return [try ranked(flat, 0, try middle(flat, 0), keep: false)[0]]
      }
      let axis = try axis(try c.int("dim"), x.rank)
      let position = c.base == "kthvalue" ? try scalar(try c.int("k") - 1, .int64) : try middle(x, axis)
      return try ranked(x, axis, position, keep: try c.bool("keepdim"))
    case "mode": return try mode(c)
    case "quantile": return [try quantile(c)]
    case "cumsum", "cumprod":
      let x = try c.tensor("self")
      let input = try cast(x, try c.outputElement() ?? x.element)
      if x.rank == 0 { return [input] }
      let axis = try scalar(Int64(try self.axis(try c.int("dim"), x.rank)), .int64)
      return [try op(c.base == "cumsum" ? "CumSum" : "CumProd", [input, axis])]
    case "cummax", "cummin", "logcumsumexp": return try running(c)
    case "bucketize", "searchsorted": return [try found(c)]
    case "_unique2", "unique_dim", "unique_consecutive": return try uniques(c)
    case "histc": return [try histogram(c)]
    case "bincount": return [try occurrences(c)]
    case "trapz", "trapezoid", "cumulative_trapezoid":
      let y = try c.tensor("y")
      let axis = try axis(try c.int("dim"), y.rank)
      guard !c.has("x") else { throw .unsupported("trapezoids of given positions") }
      let pairs = try mul(try add(try slice(y, axis, 1, .max), try slice(y, axis, 0, -1)), try c.float("dx") / 2)
      if c.base == "cumulative_trapezoid" { return [try op("CumSum", [pairs, try scalar(Int64(axis), .int64)])] }
      return [try sum(pairs, [axis])]
    default: return nil
    }
  }

  /// How often each number from 0 to the greatest occurs, or the sum of its weights.
  private func occurrences(_ c: Call) throws(PinionError) -> Term {
    let x = try cast(try c.tensor("self"), .int64)
    let least = try c.int("minlength")
    guard x.rank == 1, least >= 0 else { throw .invalidModel("bincount of a tensor of rank \(x.rank) with minlength \(least)") }
    // An empty list has no greatest number.
    let greatest = try reduce("ReduceMax", try concat([x, try vectorTerm([-1])], 0), [], keep: false)
    let count = try binary("Max", try add(greatest, try scalar(Int64(1), .int64)), try scalar(least, .int64))
    var weights = try expand(try scalar(Int64(1), .int64), like: x)
    if let given = try c.optionalTensor("weights") { weights = try cast(given, try c.outputElement() ?? given.element) }
    let start = try filled(try scalar(Int64(0), weights.element), [.value(count.id)])
    return try op("ScatterElements", [start, x, weights], ["axis": .int(0), "reduction": .string("add")], dims: [nil])
  }

  private func top(_ x: Term, _ count: Term, _ axis: Int, largest: Bool) throws(PinionError) -> [Term] {
    let input = x.element == .bool ? try cast(x, .uint8) : x
    var dims = x.dims
    dims[axis] = nil
    let ids = try emit(
      "TopK", [input.id, try reshape(count, [1]).id], ["axis": .int(Int64(axis)), "largest": .int(largest ? 1 : 0), "sorted": .int(1)], outputs: 2)
    return [try cast(Term(id: ids[0], element: input.element, dims: dims), x.element), Term(id: ids[1], element: .int64, dims: dims)]
  }

  func sorted(_ x: Term, _ axis: Int, descending: Bool) throws(PinionError) -> [Term] {
    var results = try top(x, try extentTerm(try extent(x, axis)), axis, largest: descending)
    for index in results.indices { results[index].dims = x.dims }
    return results
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

  private func quantile(_ c: Call) throws(PinionError) -> Term {
    guard c.key == "quantile.scalar", try c.string("interpolation") == "linear" else { throw .unsupported("quantiles but of one number, interpolated") }
    var x = try c.tensor("self")
    var axis = 0
    let keep = try c.bool("keepdim")
    let rank = x.rank
    let given = try c.optionalInt("dim")
    if let given { axis = try self.axis(given, x.rank) } else { x = try reshape(x, [-1]) }
    let list = try sorted(x, axis, descending: false)[0]
    let last = try sub(try extentTerm(try extent(x, axis)), try scalar(Int64(1), .int64))
    let position = try mul(try cast(last, .float64), try c.float("q"))
    let low = try op("Floor", [position])
    let fraction = try cast(try sub(position, low), x.element)
    let first = try gather(list, try cast(low, .int64), axis), second = try gather(list, try cast(try op("Ceil", [position]), .int64), axis)
    let result = try add(first, try mul(try sub(second, first), fraction))
    return keep ? try unsqueeze(result, given == nil ? Array(0..<rank) : [axis]) : result
  }

  /// Running maxima, minima and logarithms of sums: each over the elements up to its own.
  private func running(_ c: Call) throws(PinionError) -> [Term] {
    let x = try c.tensor("self")
    if x.rank == 0 { return [x, try scalar(Int64(0), .int64)] }
    let axis = try axis(try c.int("dim"), x.rank)
    guard let count = x.dims[axis], count <= 4096 else { throw .unsupported("running \(c.base) over an extent past 4096 or decided by a run") }
    var order = Array(0..<x.rank)
    order.remove(at: axis)
    let back = order.firstIndex { $0 > axis }.map { _ in axis } ?? x.rank - 1
    let rows = try unsqueeze(try transpose(x, order + [axis]), [x.rank - 1])
    let steps = try range(.known(Int64(count)))
    let isPast = try binary("LessOrEqual", steps, try unsqueeze(steps, [1]), element: .bool)
    func restored(_ term: Term) throws(PinionError) -> Term {
      var inverse = Array(0..<(x.rank - 1))
      inverse.insert(x.rank - 1, at: back)
      return try transpose(term, inverse)
    }
    let last = x.rank
    if c.base == "logcumsumexp" {
      let masked = try choose(isPast, rows, try scalar(-.infinity, x.element))
      return [try restored(try reduce("ReduceLogSumExp", masked, [last], keep: false))]
    }
    let isMax = c.base == "cummax"
    let neutral: Term
    if x.element.isFloatingPoint { neutral = try scalar(isMax ? -.infinity : .infinity, x.element) } else {
      guard x.element == .int64 || x.element == .int32 else { throw .unsupported("\(c.base) of \(x.element)") }
      neutral = try scalar(isMax ? (x.element == .int64 ? Int64.min : Int64(Int32.min)) : (x.element == .int64 ? .max : Int64(Int32.max)), x.element)
    }
    let masked = try choose(isPast, rows, neutral)
    let best = try reduce(isMax ? "ReduceMax" : "ReduceMin", masked, [last], keep: true)
    let isBest = try op("And", [try equal(masked, best), isPast], dims: masked.dims)
    let places = try reduce("ReduceMax", try choose(isBest, steps, try scalar(Int64(-1), .int64)), [last], keep: false)
    return [try restored(try squeeze(best, [last])), try restored(places)]
  }

  private func found(_ c: Call) throws(PinionError) -> Term {
    let isBuckets = c.base == "bucketize"
    var isRight = try c.bool("right")
    if let side = c.optionalString("side") { isRight = side == "right" }
    let values = try c.operand("self")
    let list = try c.tensor(isBuckets ? "boundaries" : "sorted_sequence")
    guard !c.has("sorter") else { throw .unsupported("searchsorted with a sorter") }
    var (sequence, numbers) = try promoted(.tensor(list), values)
    numbers = try unsqueeze(numbers, [numbers.rank])
    if sequence.rank > 1 { sequence = try unsqueeze(sequence, [sequence.rank - 1]) }
    let isBefore = try binary(isRight ? "LessOrEqual" : "Less", sequence, numbers, element: .bool)
    return try cast(try sum(try cast(isBefore, .int64), [isBefore.rank - 1]), try c.outputElement() ?? .int64)
  }

  private func uniques(_ c: Call) throws(PinionError) -> [Term] {
    let x = try c.tensor("self")
    if c.base == "unique_dim" || c.has("dim") && c.base == "unique_consecutive" && x.rank > 1 { throw .unsupported("unique rows") }
    let flat = try reshape(x, [-1])
    if c.base == "_unique2" {
      let ids = try emit("Unique", [flat.id], ["sorted": .int(1)], outputs: 4)
      let inverse = try reshape(Term(id: ids[2], element: .int64, dims: [nil]), like: x)
      return [Term(id: ids[0], element: x.element, dims: [nil]), inverse, Term(id: ids[3], element: .int64, dims: [nil])]
    }
    let changed = try not(try equal(try slice(flat, 0, 1, .max), try slice(flat, 0, 0, -1)))
    let isFirst = try concat([try filled(try scalar(Int64(1), .bool), [.known(1)]), changed], 0)
    let values = try op("Compress", [flat, isFirst], ["axis": .int(0)], dims: [nil])
    let order = try op("CumSum", [try cast(isFirst, .int64), try scalar(Int64(0), .int64)])
    let inverse = try sub(order, try scalar(Int64(1), .int64))
    let zeros = try filled(try scalar(Int64(0), .int64), [try extent(values, 0)])
    let ones = try expand(try scalar(Int64(1), .int64), like: inverse)
    let counts = try op("ScatterElements", [zeros, inverse, ones], ["axis": .int(0), "reduction": .string("add")])
    return [values, try reshape(inverse, like: x), counts]
  }

  private func histogram(_ c: Call) throws(PinionError) -> Term {
    let x = try reshape(try c.tensor("self"), [-1])
    let bins = try c.int("bins")
    guard bins > 0, bins < 1 << 16 else { throw .unsupported("\(bins) bins") }
    var low = try scalar(try c.number("min"), x.element), high = try scalar(try c.number("max"), x.element)
    if try c.float("min") == c.float("max") { (low, high) = (try reduce("ReduceMin", x, [], keep: false), try reduce("ReduceMax", x, [], keep: false)) }
    let bin = try op("Floor", [try div(try mul(try sub(x, low), Double(bins)), try sub(high, low))])
    let place = try binary("Min", bin, try scalar(Double(bins - 1), x.element))
    let isInside = try op(
      "And",
      [try binary("GreaterOrEqual", x, low, element: .bool), try binary("LessOrEqual", x, high, element: .bool)], dims: x.dims)
    let steps = try cast(try range(.known(bins)), x.element)
    let hits = try op("And", [try equal(steps, try unsqueeze(place, [1])), try unsqueeze(isInside, [1])], dims: [x.dims[0], Int(bins)])
    return try sum(try cast(hits, x.element), [0])
  }
}
