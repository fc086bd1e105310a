import PinionBase
import PinionGraph
import PinionTensor

/// Sorting, running sums and maxima, searching and counting.
extension Lowering {
  func sorting(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "topk":
      let x = try c.tensor("self")
      if x.rank == 0 { return try top(try reshape(x, [1]), try extentTerm(try c.extent("k")), 0, largest: true).map { (term) throws(PinionError) in try reshape(term, [] as [Int64]) } }
      return try top(x, try extentTerm(try c.extent("k")), try axis(try c.int("dim"), x.rank), largest: try c.bool("largest"))
    case "sort", "argsort", "msort":
      let x = try c.tensor("self")
      guard x.rank > 0 else { return c.base == "argsort" ? [try scalar(Int64(0), .int64)] : [x, try scalar(Int64(0), .int64)] }
      let axis = c.base == "msort" ? 0 : try axis(try c.int("dim"), x.rank)
      let isDescending = c.base == "msort" ? false : try c.bool("descending")
      let results = try sorted(x, axis, descending: isDescending)
      return c.base == "argsort" ? [results[1]] : results
    case "cumsum", "cumprod":
      let x = try c.tensor("self")
      let input = try cast(x, try c.outputElement() ?? x.element)
      if x.rank == 0 { return [input] }
      let axis = try scalar(Int64(try self.axis(try c.int("dim"), x.rank)), .int64)
      let name = c.base == "cumsum" ? "CumSum" : "CumProd"
      // What single precision goes through is kept in double precision, and rounded for each element.
      if input.element == .float32 { return [try cast(try op(name, [try cast(input, .float64), axis]), .float32)] }
      return [try op(name, [input, axis])]
    case "cummax", "cummin", "logcumsumexp": return try running(c)
    case "bucketize", "searchsorted": return [try found(c)]
    case "_unique2", "unique_dim", "unique_consecutive": return try uniques(c)
    case "histc": return [try histogram(c)]
    case "bincount": return [try occurrences(c)]
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

  /// Running maxima, minima and logarithms of sums: each over the elements up to its own.
  private func running(_ c: Call) throws(PinionError) -> [Term] {
    let x = try c.tensor("self")
    if x.rank == 0 { return [x, try scalar(Int64(0), .int64)] }
    let axis = try axis(try c.int("dim"), x.rank)
    if let count = x.dims[axis], count > 4096 { throw .unsupported("\(c.base) over \(count) elements, more than 4096") }
    var order = Array(0..<x.rank)
    order.remove(at: axis)
    let back = order.firstIndex { $0 > axis }.map { _ in axis } ?? x.rank - 1
    let rows = try unsqueeze(try transpose(x, order + [axis]), [x.rank - 1])
    let steps = try range(try extent(x, axis))
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
    var isBest = try op("And", [try equal(masked, best), isPast], dims: masked.dims)
    // What is no number is equal to nothing, and what follows it is none either.
    if x.element.isFloatingPoint { isBest = try op("Or", [isBest, try op("IsNaN", [masked], element: .bool)], dims: masked.dims) }
    let places = try reduce("ReduceMax", try choose(isBest, steps, try scalar(Int64(-1), .int64)), [last], keep: false)
    return [try restored(try squeeze(best, [last])), try restored(places)]
  }

  private func found(_ c: Call) throws(PinionError) -> Term {
    let isBuckets = c.base == "bucketize"
    var isRight = try c.bool("right")
    if let side = c.optionalString("side") { isRight = side == "right" }
    let values = try c.operand("self")
    var list = try c.tensor(isBuckets ? "boundaries" : "sorted_sequence")
    if !isBuckets, let order = try c.optionalTensor("sorter") { list = try op("GatherElements", [list, order], ["axis": .int(-1)]) }
    var (sequence, numbers) = try promoted(.tensor(list), values)
    numbers = try unsqueeze(numbers, [numbers.rank])
    if sequence.rank > 1 { sequence = try unsqueeze(sequence, [sequence.rank - 1]) }
    let isBefore = try binary(isRight ? "LessOrEqual" : "Less", sequence, numbers, element: .bool)
    return try cast(try sum(try cast(isBefore, .int64), [isBefore.rank - 1]), try c.outputElement() ?? .int64)
  }

  private func uniques(_ c: Call) throws(PinionError) -> [Term] {
    let x = try c.tensor("self")
    let isByRows = c.base == "unique_dim" || c.base == "unique_consecutive" && c.has("dim")
    let axis = isByRows ? try axis(try c.int("dim"), x.rank) : 0
    if isByRows { try requireRank(x, 1, c) }
    if c.base != "unique_consecutive" {
      let list = isByRows ? x : try reshape(x, [-1])
      let ids = try emit("Unique", [list.id], ["sorted": .int(1), "axis": .int(Int64(axis))], outputs: 4)
      var dims = list.dims
      dims[axis] = nil
      var inverse = Term(id: ids[2], element: .int64, dims: [list.dims[axis]])
      if !isByRows { inverse = try reshape(inverse, like: x) }
      return [Term(id: ids[0], element: x.element, dims: dims), inverse, Term(id: ids[3], element: .int64, dims: [nil])]
    }
    if isByRows, x.rank == 1 { correctRuns(c) }
    let flat = isByRows ? x : try reshape(x, [-1])
    var changed = try not(try equal(try slice(flat, axis, 1, .max), try slice(flat, axis, 0, -1)))
    if isByRows, x.rank > 1 { changed = try any(changed, (0..<x.rank).filter { $0 != axis }, keep: false) }
    // The first begins a run, where there is one.
    let extent = try extent(flat, axis)
    let isFirst = try slice(try concat([try filled(try scalar(Int64(1), .bool), [.known(1)]), changed], 0), 0, .known(0), extent)
    var dims = flat.dims
    dims[axis] = nil
    let values = try op("Compress", [flat, isFirst], ["axis": .int(Int64(axis))], dims: dims)
    let order = try op("CumSum", [try cast(isFirst, .int64), try scalar(Int64(0), .int64)])
    let inverse = try sub(order, try scalar(Int64(1), .int64))
    let zeros = try filled(try scalar(Int64(0), .int64), [try self.extent(values, axis)])
    let ones = try expand(try scalar(Int64(1), .int64), like: inverse)
    let counts = try op("ScatterElements", [zeros, inverse, ones], ["axis": .int(0), "reduction": .string("add")])
    return [values, isByRows ? inverse : try reshape(inverse, like: x), counts]
  }

  /// PyTorch 2.13 traces the runs of a vector along its dimension as a matrix (`[u0, n]`), and so what is computed from them element by
  /// element. They are a vector.
  private func correctRuns(_ c: Call) {
    guard let traced = c.outputMeta()?.sizes, traced.count == 2, traced.first.map({ if case .known = $0 { false } else { true } }) ?? false else { return }
    for (name, meta) in source.tensors where meta.sizes == traced { source.tensors[name]?.sizes.removeLast() }
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
