import PinionBase
import PinionGraph
import PinionTensor

/// What several names of a program may write to.
final class Storage {
  /// The contents after the writes so far.
  var contents: Term
  var version = 0
  /// How PyTorch lays the contents out in memory; nil: one after the other.
  var layout: PT2Meta?
  init(_ contents: Term) { self.contents = contents }
}

/// A tensor of the program: a storage seen through views.
final class TensorHandle {
  let storage: Storage
  let views: [View]
  fileprivate var value: Term
  fileprivate var version: Int

  init(_ contents: Term, layout: PT2Meta? = nil) {
    storage = Storage(contents)
    storage.layout = layout
    views = []
    value = contents
    version = 0
  }

  init(of base: TensorHandle, _ view: View, value: Term) {
    storage = base.storage
    views = base.views + [view]
    self.value = value
    version = base.storage.version
  }

  init(sharing storage: Storage, views: [View], value: Term) {
    self.storage = storage
    self.views = views
    self.value = value
    version = storage.version
  }
}

/// How one tensor shows the elements of another.
enum View {
  case same
  case reshape([Extent])
  case permute([Int])
  case unsqueeze([Int])
  case squeeze([Int])
  case slice(axis: Int, start: Extent, end: Extent, step: Int64)
  case select(axis: Int, index: Extent)
  case expand([Extent])
  case diagonal(offset: Int64, Int, Int)
  case windows(axis: Int, size: Int64, step: Int64)
  case strided(sizes: [Int64], strides: [Int64], offset: Int64)
  case bits(ElementType)
  /// The real or the imaginary halves of complex numbers.
  case part(Int)
  case pairs
  case complex
}

extension Lowering {
  /// The contents of a tensor after all writes to what it shares memory with.
  func read(_ handle: TensorHandle) throws(PinionError) -> Term {
    guard handle.version != handle.storage.version else { return handle.value }
    var term = handle.storage.contents
    for view in handle.views { term = try apply(view, term) }
    handle.value = term
    handle.version = handle.storage.version
    return term
  }

  func view(_ base: TensorHandle, _ view: View) throws(PinionError) -> TensorHandle {
    TensorHandle(of: base, view, value: try apply(view, try read(base)))
  }

  /// Gives a tensor new contents, and everything that shares memory with it.
  func write(_ term: Term, to handle: TensorHandle) throws(PinionError) {
    var wholes = [handle.storage.contents]
    for view in handle.views.dropLast() { wholes.append(try apply(view, wholes[wholes.count - 1])) }
    var part = term
    for (view, whole) in zip(handle.views, wholes).reversed() { part = try replace(view, of: whole, by: part) }
    handle.storage.contents = part
    handle.storage.version += 1
    handle.value = term
    handle.version = handle.storage.version
  }

  func apply(_ view: View, _ term: Term) throws(PinionError) -> Term {
    switch view {
    case .same: return term
    case .reshape(let extents): return try reshape(term, extents)
    case .permute(let permutation): return try transpose(term, permutation)
    case .unsqueeze(let axes): return try unsqueeze(term, axes)
    case .squeeze(let axes): return try squeeze(term, axes)
    case .slice(let axis, let start, let end, let step): return try slice(term, axis, start, end, step: step)
    case .select(let axis, let index): return try gather(term, try extentTerm(index), axis)
    case .expand(let extents): return try expand(term, extents)
    case .diagonal(let offset, let first, let second): return try diagonal(term, offset, first, second)
    case .windows(let axis, let size, let step): return try windows(term, axis, size, step)
    case .strided(let sizes, let strides, let offset): return try strided(term, sizes, strides, offset)
    case .bits(let element):
      guard term.element.byteWidth == element.byteWidth else { throw .unsupported("\(term.element) seen as \(element), which is of another width") }
      return try op("BitCast", [term], ["to": .int(Int64(element.rawValue))], element: element)
    case .part(let index):
      guard term.isComplex else { return term }
      let half = try emit("Gather", [term.id, try scalar(Int64(index), .int64).id], ["axis": .int(Int64(term.rank))])[0]
      return Term(id: half, element: term.element, dims: term.dims)
    case .pairs: return Term(id: term.id, element: term.element, dims: term.dims + [2])
    case .complex: return Term(id: term.id, element: term.element, dims: term.dims.dropLast(), isComplex: true)
    }
  }

  /// The whole with the elements that a view shows replaced.
  func replace(_ view: View, of whole: Term, by part: Term) throws(PinionError) -> Term {
    switch view {
    case .same: return part
    case .reshape: return try reshape(part, like: whole)
    case .permute(let permutation):
      var inverse = permutation
      for (index, axis) in permutation.enumerated() { inverse[axis] = index }
      return try transpose(part, inverse)
    case .unsqueeze(let axes): return try squeeze(part, axes)
    case .squeeze(let axes): return try unsqueeze(part, axes)
    case .bits: return try apply(.bits(whole.element), part)
    case .pairs: return try apply(.complex, part)
    case .complex: return try apply(.pairs, part)
    case .slice(let axis, .known(let start), .known(let end), 1):
      if let result = try joined(whole, part, axis, start, end) { return result }
    case .select(let axis, .known(let index)):
      let start = index < 0 ? (whole.dims[axis].map { Int64($0) + index } ?? index) : index
      if let result = try joined(whole, try unsqueeze(part, [axis]), axis, start, try start.adding(1)) { return result }
    default: break
    }
    // The positions of the elements that the view shows, found by looking through it at the whole's own positions.
    let count = try emit("Size", [whole.id])[0]
    let flat = Extent.known(-1)
    let positions = Term(
      id: try reshape(try range(try whole.knownDims.map { (dims) throws(PinionError) in .known(Int64(try (dims + (whole.isComplex ? [2] : [])).checkedProduct())) } ?? .value(count)), like: whole).id,
      element: .int64, dims: whole.dims, isComplex: whole.isComplex)
    let shown = try apply(view, positions)
    let indices = try emit("Reshape", [shown.id, try sizes([flat])])[0]
    let updates = try emit("Reshape", [part.id, try sizes([flat])])[0]
    let data = try emit("Reshape", [whole.id, try sizes([flat])])[0]
    let scattered = try emit("ScatterElements", [data, indices, updates], ["axis": .int(0)])[0]
    return Term(
      id: try emit("Reshape", [scattered, try shape(of: whole)], ["allowzero": .int(1)])[0], element: whole.element, dims: whole.dims,
      isComplex: whole.isComplex)
  }

  /// The whole around new contents of a range of positions, where its extent is known.
  private func joined(_ whole: Term, _ part: Term, _ axis: Int, _ start: Int64, _ end: Int64) throws(PinionError) -> Term? {
    guard let extent = whole.dims[axis].map(Int64.init) else { return nil }
    let from = min(max(start < 0 ? start + extent : start, 0), extent)
    let to = min(max(end < 0 ? end + extent : end, from), extent)
    var parts: [Term] = []
    if from > 0 { parts.append(try slice(whole, axis, 0, from)) }
    if to > from { parts.append(part) }
    if to < extent { parts.append(try slice(whole, axis, to, extent)) }
    guard !parts.isEmpty else { return whole }
    var result = try concat(parts, axis)
    result.dims = whole.dims
    return result
  }

  // MARK: Views that gather

  func diagonal(_ term: Term, _ offset: Int64, _ first: Int, _ second: Int) throws(PinionError) -> Term {
    guard first != second, (-(1 << 31)..<(1 << 31)).contains(offset) else { throw .invalidModel("diagonal \(offset) of dimensions \(first) and \(second)") }
    let rest = (0..<term.rank).filter { $0 != first && $0 != second }
    let moved = try transpose(term, rest + [first, second])
    guard let rows = moved.dims[rest.count], let columns = moved.dims[rest.count + 1] else { return try openDiagonal(moved, offset) }
    let row = max(-offset, 0), column = max(offset, 0)
    let count = max(0, min(Int64(rows) - row, Int64(columns) - column))
    let flat = try reshape(moved, Array(try extents(moved)[..<rest.count]) + [.known(Int64(rows * columns))])
    return try gather(flat, try list([count]) { (row + $0) * Int64(columns) + column + $0 }, rest.count)
  }

  /// The diagonal of the last two dimensions, whose extents a run decides.
  private func openDiagonal(_ moved: Term, _ offset: Int64) throws(PinionError) -> Term {
    let depth = moved.rank - 2
    let rows = try extentTerm(try extent(moved, depth)), columns = try extentTerm(try extent(moved, depth + 1))
    let row = try scalar(max(-offset, 0), .int64), column = try scalar(max(offset, 0), .int64)
    let count = try binary("Max", try binary("Min", try sub(rows, row), try sub(columns, column)), try scalar(Int64(0), .int64))
    let steps = try range(.value(count.id))
    let positions = try add(try mul(try add(steps, row), columns), try add(steps, column))
    let flat = try reshape(moved, Array(try extents(moved)[..<depth]) + [.known(-1)])
    return try gather(flat, positions, depth)
  }

  func windows(_ term: Term, _ axis: Int, _ size: Int64, _ step: Int64) throws(PinionError) -> Term {
    guard size > 0, step > 0, size < 1 << 24 else { throw .invalidModel("windows of \(size) elements, \(step) apart") }
    let indices: Term
    if let extent = term.dims[axis] {
      guard Int64(extent) >= size else { throw .invalidModel("windows of \(size) elements in an extent of \(extent)") }
      indices = try list([(Int64(extent) - size) / step + 1, size]) { $0 / size * step + $0 % size }
    } else {
      let last = try sub(try extentTerm(try extent(term, axis)), try scalar(size, .int64))
      let count = try add(try div(last, try scalar(step, .int64)), try scalar(Int64(1), .int64))
      let starts = try mul(try range(.value(count.id)), try scalar(step, .int64))
      indices = try add(try unsqueeze(starts, [1]), try list([size]) { $0 })
    }
    let gathered = try gather(term, indices, axis)
    let order = (0...term.rank).filter { $0 != axis + 1 } + [axis + 1]
    return try transpose(gathered, order)
  }

  func strided(_ term: Term, _ sizes: [Int64], _ strides: [Int64], _ offset: Int64) throws(PinionError) -> Term {
    guard sizes.count == strides.count else { throw .invalidModel("\(sizes.count) sizes and \(strides.count) strides") }
    let axes = Array(zip(sizes, strides).reversed())
    let indices = try list(sizes) { (place) throws(PinionError) in
      var position = offset, rest = place
      for (size, stride) in axes {
        position = try position.adding(try (rest % size).multiplied(by: stride))
        rest /= size
      }
      return position
    }
    return try gather(try reshape(term, [-1]), indices, 0)
  }
}
