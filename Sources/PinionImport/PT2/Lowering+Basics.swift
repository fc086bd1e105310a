import PinionBase
import PinionGraph
import PinionTensor

/// The few operations that every family composes its targets from.
extension Lowering {
  func cast(_ term: Term, _ element: ElementType) throws(PinionError) -> Term {
    guard term.element != element else { return term }
    return try op("Cast", [term], ["to": .int(Int64(element.rawValue))], element: element)
  }

  /// Throws `.invalidModel` where a target's operand has fewer axes than the target is about.
  func requireRank(_ term: Term, _ least: Int, _ call: Call) throws(PinionError) {
    guard term.rank >= least else { throw .invalidModel("\(call.key) of a tensor of rank \(term.rank), expected \(least) or more") }
  }

  func broadcast(_ a: [Int?], _ b: [Int?]) -> [Int?] {
    let rank = max(a.count, b.count)
    return (0..<rank).map { axis in
      let x = axis - (rank - a.count) >= 0 ? a[axis - (rank - a.count)] : 1
      let y = axis - (rank - b.count) >= 0 ? b[axis - (rank - b.count)] : 1
      if x == 1 { return y }
      if y == 1 { return x }
      return x ?? y
    }
  }

  /// An elementwise node of two operands of one element type.
  func binary(_ name: String, _ a: Term, _ b: Term, _ attributes: [String: AttributeValue] = [:], element: ElementType? = nil) throws(PinionError)
    -> Term
  {
    try op(name, [a, b], attributes, element: element, dims: broadcast(a.dims, b.dims))
  }

  func add(_ a: Term, _ b: Term) throws(PinionError) -> Term { try binary("Add", a, b) }
  func sub(_ a: Term, _ b: Term) throws(PinionError) -> Term { try binary("Sub", a, b) }
  func mul(_ a: Term, _ b: Term) throws(PinionError) -> Term { a.isComplex || b.isComplex ? try complexProduct(a, b) : try binary("Mul", a, b) }
  func div(_ a: Term, _ b: Term) throws(PinionError) -> Term { a.isComplex || b.isComplex ? try complexQuotient(a, b) : try binary("Div", a, b) }
  func add(_ a: Term, _ b: Double) throws(PinionError) -> Term { b == 0 ? a : try add(a, try scalar(b, a.element)) }
  func mul(_ a: Term, _ b: Double) throws(PinionError) -> Term { b == 1 ? a : try mul(a, try scalar(b, a.element)) }
  func div(_ a: Term, _ b: Double) throws(PinionError) -> Term { b == 1 ? a : try div(a, try scalar(b, a.element)) }
  func pow(_ a: Term, _ b: Double) throws(PinionError) -> Term { b == 1 ? a : try binary("Pow", a, try scalar(b, a.element)) }
  func less(_ a: Term, _ b: Term) throws(PinionError) -> Term { try binary("Less", a, b, element: .bool) }
  func equal(_ a: Term, _ b: Term) throws(PinionError) -> Term { try binary("Equal", a, b, element: .bool) }
  func not(_ a: Term) throws(PinionError) -> Term { try op("Not", [a]) }

  func choose(_ condition: Term, _ a: Term, _ b: Term) throws(PinionError) -> Term {
    let dims = broadcast(condition.dims, broadcast(a.dims, b.dims))
    return try op("Where", [condition, a, b], element: a.element, dims: dims)
  }

  // MARK: Shapes

  /// The axis counted from the front, which is one of the `rank` that there are: a target that takes 0 and -1 for a scalar's own axis, as
  /// many of PyTorch's do, asks for the rank before.
  func axis(_ axis: Int64, _ rank: Int) throws(PinionError) -> Int {
    let limit = Int64(rank)
    guard axis >= -limit, axis < limit else { throw .invalidModel("dimension \(axis) of a tensor of rank \(rank)") }
    return Int(axis < 0 ? axis + limit : axis)
  }

  func axes(_ list: [Int64], _ rank: Int) throws(PinionError) -> [Int] {
    var result: [Int] = []
    for entry in list { result.append(try axis(entry, rank)) }
    return result
  }

  /// The sizes as an int64 vector, those of the pairs of complex numbers included.
  func shape(of term: Term) throws(PinionError) -> ValueID {
    if let dims = term.knownDims { return try vector(dims.map(Int64.init) + (term.isComplex ? [2] : [])) }
    return try emit("Shape", [term.id])[0]
  }

  func extent(_ term: Term, _ axis: Int) throws(PinionError) -> Extent {
    if let known = term.dims[axis] { return .known(Int64(known)) }
    let shape = try emit("Shape", [term.id], ["start": .int(Int64(axis)), "end": .int(Int64(axis + 1))])[0]
    return .value(try emit("Squeeze", [shape, try vector([0])])[0])
  }

  func extents(_ term: Term) throws(PinionError) -> [Extent] {
    var result: [Extent] = []
    for axis in term.dims.indices { result.append(try extent(term, axis)) }
    return result
  }

  func extentTerm(_ extent: Extent) throws(PinionError) -> Term {
    switch extent {
    case .known(let value): try scalar(value, .int64)
    case .value(let id): Term(id: id, element: .int64, dims: [])
    }
  }

  /// Sizes as an int64 vector.
  func sizes(_ extents: [Extent]) throws(PinionError) -> ValueID {
    let known = extents.compactMap(\.known)
    if known.count == extents.count { return try vector(known) }
    var parts: [ValueID] = []
    for extent in extents {
      switch extent {
      case .known(let value): parts.append(try vector([value]))
      case .value(let id): parts.append(try emit("Reshape", [id, try vector([1])])[0])
      }
    }
    return parts.count == 1 ? parts[0] : try emit("Concat", parts, ["axis": .int(0)])[0]
  }

  func dims(_ extents: [Extent]) -> [Int?] { extents.map { $0.known.flatMap { $0 >= 0 ? Int(exactly: $0) : nil } } }

  /// The same elements under other sizes; one of them may be -1.
  func reshape(_ term: Term, _ extents: [Extent]) throws(PinionError) -> Term {
    var result = dims(extents)
    if let total = term.knownDims.flatMap({ try? $0.checkedProduct() }) {
      let open = result.indices.filter { result[$0] == nil }
      if open.count == 1, case .known(-1) = extents[open[0]], let rest = try? result.compactMap({ $0 }).checkedProduct(), rest > 0 {
        result[open[0]] = total / rest
      }
    }
    var extents = extents
    let open = extents.indices.filter { extents[$0].known == nil }
    // One size that a run decides follows from the others where none of these is 0.
    if open.count == 1, extents.allSatisfy({ $0.known.map { $0 > 0 } ?? true }) { extents[open[0]] = .known(-1) }
    let stored = extents + (term.isComplex ? [.known(2)] : [])
    // A size of 0 is one, not that of the input.
    let shape = result.contains(0) ? result.map { Extent.known(Int64($0 ?? -1)) } + (term.isComplex ? [.known(2)] : []) : stored
    return try op("Reshape", [term, Term(id: try sizes(shape), element: .int64, dims: [shape.count])], ["allowzero": .int(1)], dims: result)
  }

  func reshape(_ term: Term, _ sizes: [Int64]) throws(PinionError) -> Term { try reshape(term, sizes.map(Extent.known)) }

  /// The elements under the shape of another tensor with as many.
  func reshape(_ term: Term, like other: Term) throws(PinionError) -> Term {
    try op("Reshape", [term, Term(id: try shape(of: other), element: .int64, dims: [other.rank])], ["allowzero": .int(1)], dims: other.dims)
  }

  func transpose(_ term: Term, _ permutation: [Int]) throws(PinionError) -> Term {
    guard permutation != Array(0..<term.rank) else { return term }
    guard permutation.sorted() == Array(0..<term.rank) else { throw .invalidModel("\(permutation) is no order of \(term.rank) dimensions") }
    let stored = permutation + (term.isComplex ? [term.rank] : [])
    return try op("Transpose", [term], ["perm": .ints(stored.map(Int64.init))], dims: permutation.map { term.dims[$0] })
  }

  /// - Parameter axes: positions in the result, ascending.
  func unsqueeze(_ term: Term, _ axes: [Int]) throws(PinionError) -> Term {
    guard !axes.isEmpty else { return term }
    var dims = term.dims
    for axis in axes {
      guard axis >= 0, axis <= dims.count else { throw .invalidModel("a new dimension \(axis) for a tensor of rank \(dims.count)") }
      dims.insert(1, at: axis)
    }
    return try op("Unsqueeze", [term, try vectorTerm(axes.map(Int64.init))], dims: dims)
  }

  func squeeze(_ term: Term, _ axes: [Int]) throws(PinionError) -> Term {
    guard !axes.isEmpty else { return term }
    guard axes.allSatisfy(term.dims.indices.contains) else { throw .invalidModel("dimensions \(axes) of a tensor of rank \(term.rank)") }
    var dims = term.dims
    for axis in Set(axes).sorted(by: >) { dims.remove(at: axis) }
    return try op("Squeeze", [term, try vectorTerm(axes.map(Int64.init))], dims: dims)
  }

  func slice(_ term: Term, _ axis: Int, _ start: Extent, _ end: Extent, step: Int64 = 1) throws(PinionError) -> Term {
    var dims = term.dims
    dims[axis] = nil
    if let extent = term.dims[axis], let first = start.known, let last = end.known, step > 0 {
      let from = min(max(first < 0 ? first + Int64(extent) : first, 0), Int64(extent))
      let to = min(max(last < 0 ? last &+ Int64(extent) : last, from), Int64(extent))
      dims[axis] = Int((to - from + step - 1) / step)
      if from == 0, to == Int64(extent), step == 1 { return term }
    }
    let operands = [term.id, try sizes([start]), try sizes([end]), try vector([Int64(axis)]), try vector([step])]
    return Term(id: try emit("Slice", operands)[0], element: term.element, dims: dims, isComplex: term.isComplex)
  }

  func slice(_ term: Term, _ axis: Int, _ start: Int64, _ end: Int64, step: Int64 = 1) throws(PinionError) -> Term {
    try slice(term, axis, .known(start), .known(end), step: step)
  }

  /// Elements at the indices along an axis; the indices' dimensions take its place.
  func gather(_ term: Term, _ indices: Term, _ axis: Int) throws(PinionError) -> Term {
    guard term.dims.indices.contains(axis) else { throw .invalidModel("dimension \(axis) of a tensor of rank \(term.rank)") }
    var dims = term.dims
    dims.replaceSubrange(axis...axis, with: indices.dims)
    return try op("Gather", [term, indices], ["axis": .int(Int64(axis))], dims: dims)
  }

  func concat(_ terms: [Term], _ axis: Int) throws(PinionError) -> Term {
    guard let first = terms.first else { throw .invalidModel("nothing to join") }
    guard terms.count > 1 else { return first }
    var dims = first.dims
    var extent: Int? = 0
    for term in terms { extent = extent.flatMap { sum in term.dims[axis].map { sum + $0 } } }
    dims[axis] = extent
    return try op("Concat", terms, ["axis": .int(Int64(axis))], dims: dims)
  }

  /// The tensor repeated along new and one-element dimensions; a size of -1 keeps the dimension.
  func expand(_ term: Term, _ extents: [Extent]) throws(PinionError) -> Term {
    let lead = extents.count - term.rank
    guard lead >= 0 else { throw .invalidModel("a tensor of rank \(term.rank) expanded to rank \(extents.count)") }
    var target = extents
    var result = dims(extents)
    for axis in target.indices {
      if case .known(-1) = target[axis], axis >= lead {
        target[axis] = .known(1)
        result[axis] = term.dims[axis - lead]
      } else if axis >= lead, result[axis] == 1 {
        result[axis] = term.dims[axis - lead]
      }
    }
    if lead == 0, result == term.dims, term.knownDims != nil { return term }
    var operand = term
    if term.isComplex {
      operand = try unsqueeze(term, Array(0..<lead))
      target.append(.known(2))
    }
    return try op("Expand", [operand, Term(id: try sizes(target), element: .int64, dims: [target.count])], dims: result)
  }

  func expand(_ term: Term, like other: Term) throws(PinionError) -> Term {
    if let known = other.knownDims, term.dims == known.map(Optional.some) { return term }
    return try op("Expand", [term, Term(id: try shape(of: other), element: .int64, dims: [other.rank])], dims: other.dims)
  }

  /// One value in every place of a shape.
  func filled(_ value: Term, _ extents: [Extent]) throws(PinionError) -> Term {
    guard !extents.isEmpty else { return value }
    return Term(
      id: try emit("Expand", [value.id, try sizes(extents)])[0], element: value.element, dims: dims(extents), isComplex: value.isComplex)
  }

  /// 0, 1, ... below a count.
  func range(_ count: Extent) throws(PinionError) -> Term {
    let operands = [try scalar(Int64(0), .int64), try extentTerm(count), try scalar(Int64(1), .int64)]
    return Term(id: try emit("Range", operands.map(\.id))[0], element: .int64, dims: dims([count]))
  }

  // MARK: Reductions

  func reduce(_ name: String, _ term: Term, _ axes: [Int], keep: Bool) throws(PinionError) -> Term {
    let isAll = axes.isEmpty || Set(axes).count == term.rank
    var dims: [Int?] = []
    for (axis, extent) in term.dims.enumerated() {
      if axes.isEmpty || axes.contains(axis) {
        if keep { dims.append(1) }
      } else {
        dims.append(extent)
      }
    }
    if term.rank == 0 { return try op(name, [term], ["keepdims": .int(0)], dims: []) }
    let list: Term? = isAll ? nil : try vectorTerm(axes.map(Int64.init))
    return try op(name, [term, list], ["keepdims": .int(keep ? 1 : 0)], dims: dims)
  }

  func sum(_ term: Term, _ axes: [Int], keep: Bool = false) throws(PinionError) -> Term { try reduce("ReduceSum", term, axes, keep: keep) }

  /// The number of elements along some axes, all for none, as a scalar.
  func count(_ term: Term, _ axes: [Int], _ element: ElementType) throws(PinionError) -> Term {
    var known: Int64 = 1
    var product: Term?
    for axis in axes.isEmpty ? Array(0..<term.rank) : axes {
      switch try extent(term, axis) {
      case .known(let value): known = try known.multiplied(by: value)
      case .value(let id):
        let factor = Term(id: id, element: .int64, dims: [])
        product = try product.map { (term) throws(PinionError) in try mul(term, factor) } ?? factor
      }
    }
    guard let product else { return try scalar(known, element) }
    return try cast(known == 1 ? product : try mul(product, try scalar(known, .int64)), element)
  }
}
