import PinionBase
import PinionGraph
import PinionTensor

/// Gathers, scatters and writes at indices.
extension Lowering {
  func indexing(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "embedding": return [try gather(try c.tensor("weight"), try c.tensor("indices"), 0)]
    case "embedding_bag", "_embedding_bag", "_embedding_bag_forward_only": return try bags(c)
    case "index_select":
      let x = try c.tensor("self"), index = try c.tensor("index")
      if x.rank == 0 { return [x] }
      return [try gather(x, index.rank == 0 ? try unsqueeze(index, [0]) : index, try axis(try c.int("dim"), x.rank))]
    case "index", "_unsafe_index": return [try indexed(try c.tensor("self"), try c.optionalTensors("indices"))]
    case "index_put", "_unsafe_index_put":
      return [try put(c)]
    case "gather":
      let x = try c.tensor("self"), index = try c.tensor("index")
      if x.rank == 0 || index.rank == 0 { return [try expand(x.rank == 0 ? x : try gather(x, index, 0), like: index)] }
      let axis = try axis(try c.int("dim"), x.rank)
      return [try op("GatherElements", [try cropped(x, to: index, except: axis), index], ["axis": .int(Int64(axis))], dims: index.dims)]
    case "take_along_dim":
      let x = try c.tensor("self"), index = try c.tensor("indices")
      guard let dim = try c.optionalInt("dim") else {
        return [try op("GatherElements", [try reshape(x, [-1]), try reshape(index, [-1])], ["axis": .int(0)], dims: [nil])]
      }
      let axis = try axis(dim, x.rank)
      var a = x.dims, b = index.dims
      a[axis] = 1
      b[axis] = 1
      let common = broadcast(a, b)
      var wide: [Extent] = common.map { .known(Int64($0 ?? -1)) }, narrow = wide
      wide[axis] = try extent(x, axis)
      narrow[axis] = try extent(index, axis)
      let result = try op("GatherElements", [try expand(x, wide), try expand(index, narrow)], ["axis": .int(Int64(axis))], dims: dims(narrow))
      return [result]
    case "take":
      return [try gather(try reshape(try c.tensor("self"), [-1]), try c.tensor("index"), 0)]
    case "put":
      let x = try c.tensor("self")
      let index = try reshape(try c.tensor("index"), [-1]), updates = try reshape(try c.tensor("source", as: x.element), [-1])
      let reduction: [String: AttributeValue] = try c.bool("accumulate") ? ["reduction": .string("add")] : [:]
      return [try reshape(try op("ScatterElements", [try reshape(x, [-1]), index, updates], reduction.merging(["axis": .int(0)]) { $1 }), like: x)]
    case "_unsafe_masked_index":
      let x = try c.tensor("self"), mask = try c.tensor("mask")
      var indices: [Term?] = []
      for index in try c.optionalTensors("indices") {
        // What the mask leaves out may lie anywhere.
        indices.append(try index.map { (index) throws(PinionError) in try choose(mask, try cast(index, .int64), try scalar(Int64(0), .int64)) })
      }
      return [try choose(mask, try indexed(x, indices), try scalar(try c.number("fill"), x.element))]
    case "scatter", "scatter_add", "scatter_reduce": return [try scattered(c)]
    case "index_add", "index_copy", "index_fill", "index_reduce": return [try writtenRows(c)]
    case "slice_scatter", "select_scatter", "diagonal_scatter", "as_strided_scatter": return [try replaced(c)]
    case "masked_select":
      let mask = try c.tensor("mask"), x = try c.tensor("self")
      // Each is expanded by the other's shape, which broadcasts both ways.
      let wideMask = try both(mask, x), wide = try both(x, mask)
      let flatMask = try reshape(wideMask, [-1]), flat = try reshape(wide, [-1])
      return [try op("Compress", [flat, flatMask], ["axis": .int(0)], dims: [nil])]
    case "argwhere": return [try transpose(try nonzero(try c.tensor("self")), [1, 0])]
    case "masked_scatter":
      var x = try c.tensor("self"), mask = try c.tensor("mask")
      var source = try reshape(try c.tensor("source"), [-1])
      // Where nothing is chosen, the source need not have an element: one more stands for it.
      if source.dims[0].map({ $0 == 0 }) ?? true { source = try concat([source, try reshape(try scalar(Int64(0), source.element), [1])], 0) }
      if mask.rank > x.rank || broadcast(mask.dims, x.dims) != x.dims { x = try choose(mask, x, x) }
      mask = try expand(mask, like: x)
      let flat = try cast(try reshape(mask, [-1]), .int64)
      let order = try sub(try op("CumSum", [flat, try scalar(Int64(0), .int64)]), try scalar(Int64(1), .int64))
      let places = try binary("Max", order, try scalar(Int64(0), .int64))
      let taken = try reshape(try gather(source, places, 0), like: x)
      return [try choose(mask, taken, x)]
    case "nonzero": return [try transpose(try nonzero(try c.tensor("self")), [1, 0])]
    case "nonzero_numpy": return try nonzeroColumns(try c.tensor("self"))
    case "copy":
      let x = try c.tensor("self"), source = try c.tensor("src")
      if let own = c.meta("self"), let other = c.meta("src"), own.dimensions == other.dimensions, !own.dimensions.contains(.unknown) {
        return [try op("Identity", [try cast(source, x.element)])]
      }
      return [try expand(try cast(source, x.element), like: x)]
    case "one_hot":
      let x = try c.tensor("self")
      let count = try c.int("num_classes")
      guard count > 0 else { throw .unsupported("one_hot of classes that a run counts") }
      let classes = try range(.known(count))
      return [try cast(try equal(try unsqueeze(x, [x.rank]), classes), .int64)]
    default: return nil
    }
  }

  /// A tensor broadcast with the shape of another, in both directions.
  func both(_ term: Term, _ other: Term) throws(PinionError) -> Term {
    let dims = broadcast(term.dims, other.dims)
    if dims == term.dims, term.knownDims != nil { return term }
    return try op("Expand", [term, Term(id: try shape(of: other), element: .int64, dims: [other.rank])], dims: dims)
  }

  func nonzero(_ term: Term) throws(PinionError) -> Term {
    let numbers = try cast(term, .bool)
    return Term(id: try emit("NonZero", [numbers.id])[0], element: .int64, dims: [term.rank, nil])
  }

  /// For each dimension a vector of the true elements' positions.
  func nonzeroColumns(_ term: Term) throws(PinionError) -> [Term] {
    let places = try nonzero(term)
    var columns: [Term] = []
    for axis in 0..<term.rank { columns.append(try gather(places, try scalar(Int64(axis), .int64), 0)) }
    return columns
  }

  /// The part that indices of a gather reach along the other dimensions, which may be shorter there.
  private func cropped(_ x: Term, to index: Term, except axis: Int) throws(PinionError) -> Term {
    var result = x
    for other in 0..<x.rank where other != axis {
      if let a = x.dims[other], let b = index.dims[other], a == b { continue }
      if x.dims[other] == nil, index.dims[other] == nil { continue }
      result = try slice(result, other, .known(0), try extent(index, other))
    }
    return result
  }

  // MARK: x[i, j, :, mask]

  /// Indices with masks replaced by positions, the axes they stand at, and the tensor with these axes in front.
  private struct Places {
    var indices: [Term] = []
    var axes: [Int] = []
    /// Where the indices' dimensions go: in place where the indexed axes are neighbours, else in front.
    var position = 0
  }

  private func places(_ x: Term, _ given: [Term?]) throws(PinionError) -> Places {
    var places = Places()
    var axis = 0
    for entry in given {
      guard let entry else {
        axis += 1
        continue
      }
      if entry.element == .bool || entry.element == .uint8 {
        for column in try nonzeroColumns(entry) {
          places.indices.append(column)
          places.axes.append(axis)
          axis += 1
        }
      } else {
        places.indices.append(try cast(entry, .int64))
        places.axes.append(axis)
        axis += 1
      }
    }
    guard axis <= x.rank, let first = places.axes.first, let last = places.axes.last else {
      throw .invalidModel("\(axis) indices for a tensor of rank \(x.rank)")
    }
    places.position = last - first + 1 == places.axes.count ? first : 0
    return places
  }

  /// The indices as one int64 tensor whose last dimension runs over the indexed axes.
  private func tuples(_ places: Places) throws(PinionError) -> Term {
    var dims: [Int?] = []
    for index in places.indices { dims = broadcast(dims, index.dims) }
    var shape: ValueID?
    if !places.indices.allSatisfy({ $0.dims == dims }) {
      if dims.allSatisfy({ $0 != nil }) { shape = try vector(dims.map { Int64($0 ?? 0) }) } else {
        var total = places.indices[0]
        for index in places.indices.dropFirst() { total = try add(total, index) }
        shape = try emit("Shape", [total.id])[0]
      }
    }
    var columns: [Term] = []
    for index in places.indices {
      var column = index
      if let shape { column = Term(id: try emit("Expand", [index.id, shape])[0], element: .int64, dims: dims) }
      columns.append(try unsqueeze(column, [dims.count]))
    }
    return try concat(columns, dims.count)
  }

  func indexed(_ x: Term, _ given: [Term?]) throws(PinionError) -> Term {
    guard given.contains(where: { $0 != nil }) else { return x }
    let places = try places(x, given)
    if places.indices.count == 1 { return try gather(x, places.indices[0], places.axes[0]) }
    let rest = (0..<x.rank).filter { !places.axes.contains($0) }
    let front = try transpose(x, places.axes + rest)
    let tuples = try tuples(places)
    let depth = tuples.rank - 1
    let taken = try op("GatherND", [front, tuples], dims: Array(tuples.dims.dropLast()) + rest.map { x.dims[$0] })
    guard places.position > 0 else { return taken }
    let order = (0..<places.position).map { depth + $0 } + Array(0..<depth) + Array((depth + places.position)..<taken.rank)
    return try transpose(taken, order)
  }

  private func put(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("self")
    let accumulates = try c.bool("accumulate")
    let given = try c.optionalTensors("indices")
    var values = try cast(try c.tensor("values"), x.element)
    let present = given.compactMap { $0 }
    if !accumulates, given.count == 1, let mask = present.first, mask.element == .bool, values.rank == 0 {
      try requireRank(x, mask.rank, c)
      return try choose(try unsqueeze(mask, Array(mask.rank..<x.rank)), values, x)
    }
    let places = try places(x, given)
    let rest = (0..<x.rank).filter { !places.axes.contains($0) }
    let order = places.axes + rest
    let front = try transpose(x, order)
    let tuples = try tuples(places)
    let depth = tuples.rank - 1
    // The values broadcast to what indexing gives, and then with the indices' dimensions in front.
    var target: [Extent] = []
    for axis in 0..<depth { target.append(try extent(tuples, axis)) }
    let own = try rest.map { (axis) throws(PinionError) in try extent(x, axis) }
    var shape = target + own
    if places.position > 0 { shape = Array(own[..<places.position]) + target + Array(own[places.position...]) }
    values = try expand(values, shape)
    if places.position > 0 {
      let moved = Array(places.position..<(places.position + depth)) + Array(0..<places.position) + Array((places.position + depth)..<values.rank)
      values = try transpose(values, moved)
    }
    let reduction: [String: AttributeValue] = accumulates ? ["reduction": .string("add")] : [:]
    let result = try op("ScatterND", [front, tuples, values], reduction)
    var inverse = order
    for (index, axis) in order.enumerated() { inverse[axis] = index }
    return try transpose(result, inverse)
  }

  // MARK: Scatter

  private func reductionName(_ text: String) -> String? {
    switch text {
    case "sum", "add": "add"
    case "prod", "multiply", "mul": "mul"
    case "amax": "max"
    case "amin": "min"
    default: nil
    }
  }

  private func scattered(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("self"), index = try c.tensor("index")
    guard x.rank > 0 else {
      let source = c.has("src") ? try c.tensor("src") : try scalar(try c.number("value"), x.element)
      guard c.key == "scatter.src" || c.key == "scatter.value" else { throw .unsupported("the target for a tensor of rank 0") }
      return try reshape(source, [] as [Int64])
    }
    let axis = try axis(try c.int("dim"), x.rank)
    var updates: Term
    if c.has("src") {
      updates = try cast(try c.tensor("src"), x.element)
      for other in 0..<x.rank where updates.dims[other] == nil || updates.dims[other] != index.dims[other] {
        updates = try slice(updates, other, .known(0), try extent(index, other))
      }
    } else {
      updates = try expand(try scalar(try c.number("value"), x.element), like: index)
    }
    var kind: String?
    if c.base == "scatter_add" { kind = "sum" } else { kind = c.optionalString("reduce") }
    guard let kind else { return try op("ScatterElements", [x, index, updates], ["axis": .int(Int64(axis))]) }
    let includesSelf = c.base == "scatter_reduce" ? try c.bool("include_self") : true
    return try reduced(x, index, updates, axis, kind, includesSelf: includesSelf)
  }

  /// A scatter that reduces what meets in one place, with or without what was there.
  private func reduced(_ x: Term, _ index: Term, _ updates: Term, _ axis: Int, _ kind: String, includesSelf: Bool) throws(PinionError) -> Term {
    let place: [String: AttributeValue] = ["axis": .int(Int64(axis))]
    func scatter(_ data: Term, _ updates: Term, _ reduction: String) throws(PinionError) -> Term {
      try op("ScatterElements", [data, index, updates], place.merging(["reduction": .string(reduction)]) { $1 })
    }
    var base = x
    if !includesSelf {
      let neutral: Number
      switch kind {
      case "prod": neutral = .int(1)
      case "amax": neutral = x.element.isFloatingPoint ? .float(-.infinity) : .int(x.element == .int32 ? Int64(Int32.min) : .min)
      case "amin": neutral = x.element.isFloatingPoint ? .float(.infinity) : .int(x.element == .int32 ? Int64(Int32.max) : .max)
      default: neutral = .int(0)
      }
      base = try op("ScatterElements", [x, index, try expand(try scalar(neutral, x.element), like: index)], place)
    }
    if kind == "mean" {
      let ones = try expand(try scalar(Int64(1), x.element), like: index)
      let start = try expand(try scalar(Int64(includesSelf ? 1 : 0), x.element), like: x)
      let counts = try binary("Max", try scatter(start, ones, "add"), try scalar(Int64(1), x.element))
      let sums = try scatter(base, updates, "add")
      return x.element.isFloatingPoint ? try div(sums, counts) : try quotient(sums, counts, "floor")
    }
    guard let reduction = reductionName(kind) else { throw .unsupported("a scatter with reduction '\(kind)'") }
    return try scatter(base, updates, reduction)
  }

  /// index_add and its kin: rows of one dimension.
  private func writtenRows(_ c: Call) throws(PinionError) -> Term {
    let given = try c.tensor("self")
    let x = given.rank == 0 ? try unsqueeze(given, [0]) : given
    var index = try c.tensor("index")
    if index.rank == 0 { index = try unsqueeze(index, [0]) }
    let axis = try axis(try c.int("dim"), x.rank)
    var sizes = try extents(x)
    sizes[axis] = try extent(index, 0)
    var updates: Term
    if c.base == "index_fill" {
      updates = try expand(try term(try c.operand("value"), x.element), sizes)
    } else {
      updates = try cast(try c.tensor("source"), x.element)
      if updates.rank < x.rank { updates = try expand(try reshape(updates, [Int64](repeating: 1, count: x.rank)), sizes) }
    }
    if c.base == "index_add" { updates = try scaled(updates, try c.number("alpha")) }
    let places = try expand(try reshape(index, (0..<x.rank).map { $0 == axis ? -1 : 1 }), sizes)
    let result: Term
    switch c.base {
    case "index_add": result = try reduced(x, places, updates, axis, "sum", includesSelf: true)
    case "index_reduce": result = try reduced(x, places, updates, axis, try c.string("reduce"), includesSelf: try c.bool("include_self"))
    default: result = try op("ScatterElements", [x, places, updates], ["axis": .int(Int64(axis))])
    }
    return given.rank == 0 ? try squeeze(result, [0]) : result
  }

  private func replaced(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("self"), source = try cast(try c.tensor("src"), x.element)
    let view: View
    switch c.base {
    case "slice_scatter":
      let start = try c.optionalExtent("start") ?? .known(0), end = try c.optionalExtent("end") ?? .known(.max)
      view = .slice(axis: try axis(try c.int("dim"), x.rank), start: start, end: end, step: try c.int("step"))
    case "select_scatter": view = .select(axis: try axis(try c.int("dim"), x.rank), index: try c.extent("index"))
    case "diagonal_scatter":
      view = .diagonal(offset: try c.int("offset"), try axis(try c.int("dim1"), x.rank), try axis(try c.int("dim2"), x.rank))
    default:
      view = .strided(sizes: try c.ints("size"), strides: try c.ints("stride"), offset: try c.storageOffset())
      if let order = c.meta("self").flatMap(memoryOrder) {
        let moved = try replace(view, of: try transpose(x, order), by: source)
        return try replace(.permute(order), of: x, by: moved)
      }
    }
    return try replace(view, of: x, by: source)
  }

  // MARK: Bags

  /// Sums, means or maxima of embeddings over bags that offsets begin.
  private func bags(_ c: Call) throws(PinionError) -> [Term] {
    let weight = try c.tensor("weight")
    var indices = try cast(try c.tensor("indices"), .int64)
    let mode = try c.int("mode")
    let bagOf: Term, count: Extent
    if indices.rank == 2 {
      let rows = try extent(indices, 0)
      bagOf = try reshape(try expand(try unsqueeze(try range(rows), [1]), try extents(indices)), [-1])
      count = rows
      indices = try reshape(indices, [-1])
    } else {
      var offsets = try cast(try c.tensor("offsets"), .int64)
      if try c.bool("include_last_offset") { offsets = try slice(offsets, 0, 0, -1) }
      count = try extent(offsets, 0)
      let positions = try unsqueeze(try range(try extent(indices, 0)), [1])
      let isBegun = try binary("LessOrEqual", offsets, positions, element: .bool)
      bagOf = try sub(try sum(try cast(isBegun, .int64), [1]), try scalar(Int64(1), .int64))
    }
    var rows = try gather(weight, indices, 0)
    if let factors = try c.optionalTensor("per_sample_weights") { rows = try mul(rows, try reshape(factors, [-1, 1])) }
    var isKept = try not(try equal(indices, try scalar(Int64.min, .int64)))
    if let padding = try c.optionalInt("padding_idx"), padding >= 0 || c.base == "embedding_bag" {
      let row = padding < 0 ? padding + Int64(weight.dims[0] ?? 0) : padding
      isKept = try not(try equal(indices, try scalar(row, .int64)))
    }
    let mask = try unsqueeze(isKept, [1])
    let width = try extent(weight, 1)
    let places = try expand(try unsqueeze(bagOf, [1]), [try extent(indices, 0), width])
    func scatter(_ fill: Double, _ updates: Term, _ reduction: String) throws(PinionError) -> Term {
      let start = try filled(try scalar(fill, weight.element), [count, width])
      return try op("ScatterElements", [start, places, updates], ["axis": .int(0), "reduction": .string(reduction)])
    }
    let zero = try scalar(0.0, weight.element)
    var result: Term
    if mode == 2 {
      let lowest = try scalar(-.infinity, weight.element)
      result = try scatter(-.infinity, try choose(mask, rows, lowest), "max")
      result = try choose(try equal(result, lowest), zero, result)
    } else {
      result = try scatter(0, try choose(mask, rows, zero), "add")
      if mode == 1 {
        let ones = try expand(try cast(mask, weight.element), like: rows)
        result = try div(result, try binary("Max", try scatter(0, ones, "add"), try scalar(1.0, weight.element)))
      }
    }
    let none = try vectorTerm([])
    return [result, none, none, none]
  }
}
