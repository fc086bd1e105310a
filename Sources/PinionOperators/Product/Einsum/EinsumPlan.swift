import PinionBase
import PinionTensor

/// An Einstein summation taken apart into steps that involve one or two operands each.
struct EinsumPlan {
  typealias Label = EinsumEquation.Label

  enum Place: Sendable {
    case input(Int)
    /// Elements from the start of the scratch memory.
    case scratch(Int)
    case output
  }

  /// A tensor in memory, by the strides of its named axes; an axis that is not there does not move it.
  struct View: Sendable {
    var place: Place
    var strides: [Label: Int]
    var labels: Set<Label> { Set(strides.keys) }
  }

  /// Rows and columns of a matrix in memory.
  struct Matrix: Sendable {
    let place: Place
    let isTransposed: Bool
    let stride: Int
    var transposed: Matrix { Matrix(place: place, isTransposed: !isTransposed, stride: stride) }
  }

  enum Step {
    /// Sums the axes of `from` that `to` does not have.
    case reduce(from: View, to: View, kept: [Label], summed: [Label])
    /// `C[m, n] = A[m, k] * B[k, n]` for each position of the batch axes.
    case multiply(a: Matrix, b: Matrix, c: Matrix, m: Int, n: Int, k: Int, batch: StridedAxes)
  }

  private(set) var steps: [Step] = []
  private(set) var scratchElements = 0
  private var extents: [Label: Int]

  init(operands: [(labels: [Label], shape: Shape)], result: [Label], extents: [Label: Int]) throws(PinionError) {
    self.extents = extents
    var views: [View] = []
    for (index, operand) in operands.enumerated() {
      var strides: [Label: Int] = [:]
      for (axis, label) in operand.labels.enumerated() where extents[label] != 1 {
        // An axis named twice is a diagonal: a step goes along both.
        strides[label, default: 0] += operand.shape[axis] == 1 ? 0 : operand.shape.strides[axis]
      }
      views.append(View(place: .input(index), strides: strides.filter { $0.value != 0 }))
    }
    let output = contiguous(.output, result.filter { extents[$0] != 1 })
    while views.count > 2 { try contractCheapestPair(&views, output) }
    if views.count == 2 {
      try contract(views[0], views[1], to: output, order: result.filter { extents[$0] != 1 })
    } else if let view = views.first {
      reduce(view, to: output)
    }
  }

  private func extent(_ label: Label) -> Int { extents[label] ?? 1 }

  private func elements(_ labels: some Sequence<Label>) throws(PinionError) -> Int {
    var product = 1
    for label in labels { product = try product.multiplied(by: extent(label)) }
    return product
  }

  private func contiguous(_ place: Place, _ order: [Label]) -> View {
    var strides: [Label: Int] = [:]
    var stride = 1
    for label in order.reversed() {
      strides[label] = stride
      stride &*= extent(label)
    }
    return View(place: place, strides: strides)
  }

  private mutating func temporary(_ order: [Label]) throws(PinionError) -> View {
    let start = scratchElements
    // Each begins at a cache line, whatever the elements' width.
    let count = try alignedUp(try elements(order), to: 64)
    guard count < 1 << 46 else { throw .invalidShape("the summation needs \(count) intermediate elements") }
    scratchElements = try start.adding(count)
    return contiguous(.scratch(start), order)
  }

  /// Order of the axes in memory, outermost first.
  private func memoryOrder(_ labels: some Sequence<Label>, of view: View) -> [Label] {
    labels.sorted { (view.strides[$0] ?? 0, $0) > (view.strides[$1] ?? 0, $1) }
  }

  private mutating func reduce(_ view: View, to target: View) {
    let kept = memoryOrder(target.labels, of: target)
    steps.append(.reduce(from: view, to: target, kept: kept, summed: memoryOrder(view.labels.subtracting(target.labels), of: view)))
  }

  private mutating func contractCheapestPair(_ views: inout [View], _ output: View) throws(PinionError) {
    var best: (a: Int, b: Int, size: Int, kept: Set<Label>)?
    for b in views.indices {
      for a in 0..<b {
        var needed = output.labels
        for other in views.indices where other != a && other != b { needed.formUnion(views[other].labels) }
        let kept = views[a].labels.union(views[b].labels).intersection(needed)
        let size = try elements(kept)
        if best.map({ size < $0.size }) ?? true { best = (a, b, size, kept) }
      }
    }
    guard let best else { return }
    let a = views[best.a], b = views[best.b]
    let shared = a.labels.intersection(b.labels).intersection(best.kept)
    let order =
      memoryOrder(shared, of: a) + memoryOrder(a.labels.intersection(best.kept).subtracting(shared), of: a)
      + memoryOrder(b.labels.intersection(best.kept).subtracting(shared), of: b)
    let target = try temporary(order)
    try contract(a, b, to: target, order: order)
    views.remove(at: best.b)
    views[best.a] = target
  }

  /// - Parameter order: the axes of `target`, outermost first.
  private mutating func contract(_ first: View, _ second: View, to target: View, order: [Label]) throws(PinionError) {
    let a = try withoutPrivateAxes(first, besides: second.labels.union(target.labels))
    let b = try withoutPrivateAxes(second, besides: first.labels.union(target.labels))
    var rows = order.filter { a.labels.contains($0) && !b.labels.contains($0) }
    var columns = order.filter { b.labels.contains($0) && !a.labels.contains($0) }
    // Axes that do not make one row or column with the others where they lie become batch axes, which spares copies.
    let inner = innermost(rows, of: [a, target]), innerColumns = innermost(columns, of: [b, target])
    if inner.count < rows.count, try elements(inner) >= EinsumPlan.fewestRows { rows = inner }
    if innerColumns.count < columns.count, try elements(innerColumns) >= EinsumPlan.fewestRows { columns = innerColumns }
    let inside = Set(rows).union(columns)
    let batch = order.filter { (a.labels.contains($0) || b.labels.contains($0)) && !inside.contains($0) }
    let depth = memoryOrder(a.labels.intersection(b.labels).subtracting(target.labels), of: a)
    let m = try elements(rows), n = try elements(columns), k = try elements(depth)

    // Operands that are no matrices as they lie are copied; so is a result.
    let left = try arranged(a, rows, depth, batch), right = try arranged(b, depth, columns, batch)
    let direct = matrix(target, rows, columns)
    let place = direct == nil ? try temporary(batch + rows + columns) : target
    let product = StridedAxes(
      extents: batch.map(extent), strides: batch.map { [left.view.strides[$0] ?? 0, right.view.strides[$0] ?? 0, place.strides[$0] ?? 0] })
    if let direct, direct.isTransposed {
      // A transposed result is the product of the transposed operands the other way round.
      steps.append(
        .multiply(
          a: right.matrix.transposed, b: left.matrix.transposed, c: direct.transposed, m: n, n: m, k: k, batch: product.exchangingFirstTwo))
    } else {
      let c = direct ?? Matrix(place: place.place, isTransposed: false, stride: n)
      steps.append(.multiply(a: left.matrix, b: right.matrix, c: c, m: m, n: n, k: k, batch: product))
      if direct == nil { reduce(place, to: target) }
    }
  }

  /// Sums what only this operand has.
  private mutating func withoutPrivateAxes(_ view: View, besides others: Set<Label>) throws(PinionError) -> View {
    let shared = view.labels.intersection(others)
    guard shared.count < view.labels.count else { return view }
    let target = try temporary(memoryOrder(shared, of: view))
    reduce(view, to: target)
    return target
  }

  private mutating func arranged(
    _ view: View, _ rows: [Label], _ columns: [Label], _ batch: [Label]
  ) throws(PinionError) -> (view: View, matrix: Matrix) {
    if let matrix = matrix(view, rows, columns) { return (view, matrix) }
    let copy = try temporary(batch.filter { view.labels.contains($0) } + rows + columns)
    reduce(view, to: copy)
    return (copy, Matrix(place: copy.place, isTransposed: false, stride: max(try elements(columns), 1)))
  }

  /// The axes seen as a matrix, if rows and columns each are evenly spaced and one of them without gaps.
  private func matrix(_ view: View, _ rows: [Label], _ columns: [Label]) -> Matrix? {
    guard let row = merged(view, rows), let column = merged(view, columns) else { return nil }
    if (column.extent == 1 || column.stride == 1) && (row.extent == 1 || row.stride >= max(column.extent, 1)) {
      return Matrix(place: view.place, isTransposed: false, stride: row.extent == 1 ? max(column.extent, 1) : row.stride)
    }
    if (row.extent == 1 || row.stride == 1) && (column.extent == 1 || column.stride >= max(row.extent, 1)) {
      return Matrix(place: view.place, isTransposed: true, stride: column.extent == 1 ? max(row.extent, 1) : column.stride)
    }
    return nil
  }

  /// Of a product that repeats its other operand for each of them.
  private static let fewestRows = 8

  /// The last of the axes, as many as are evenly spaced in all the views.
  private func innermost(_ labels: [Label], of views: [View]) -> [Label] {
    var count = labels.count
    while count > 1, views.contains(where: { merged($0, labels.suffix(count)) == nil }) { count -= 1 }
    return Array(labels.suffix(count))
  }

  private func merged(_ view: View, _ labels: some BidirectionalCollection<Label>) -> (extent: Int, stride: Int)? {
    var result = (extent: 1, stride: 0)
    for label in labels.reversed() {
      let stride = view.strides[label] ?? 0
      if result.extent == 1 {
        result = (extent(label), stride)
      } else {
        guard stride == result.stride &* result.extent else { return nil }
        result.extent &*= extent(label)
      }
    }
    return result
  }
}

/// Axes of some extents through which up to four tensors are walked at the same time, each with strides of its own.
struct StridedAxes: Sendable {
  let count: Int
  let extents: [Int]
  let strides: [SIMD4<Int>]

  /// - Parameter strides: for each axis those of the tensors.
  init(extents: [Int], strides: [[Int]]) {
    self.extents = extents
    self.strides = strides.map { row in
      var vector = SIMD4<Int>.zero
      for (index, stride) in row.prefix(4).enumerated() { vector[index] = stride }
      return vector
    }
    count = extents.reduce(1, &*)
  }

  private init(count: Int, extents: [Int], strides: [SIMD4<Int>]) {
    self.count = count
    self.extents = extents
    self.strides = strides
  }

  var exchangingFirstTwo: StridedAxes {
    StridedAxes(count: count, extents: extents, strides: strides.map { SIMD4($0[1], $0[0], $0[2], $0[3]) })
  }

  /// The elements at position `index` of all axes, counted in row-major order.
  @inline(__always) func offsets(_ index: Int) -> SIMD4<Int> {
    var rest = index
    var offsets = SIMD4<Int>.zero
    var axis = extents.count &- 1
    while axis >= 0 {
      offsets &+= strides[axis] &* SIMD4(repeating: rest % extents[axis])
      rest /= extents[axis]
      axis &-= 1
    }
    return offsets
  }
}
