import PinionBase
import PinionTensor

/// How operands of different shapes line up with a broadcast result: neighbouring axes that behave alike are merged, and
/// the innermost one is a row for a kernel.
public struct Broadcast: Sendable {
  /// Elements of a row.
  public let rowCount: Int
  /// Rows of the result.
  public let rows: Int
  /// For each operand, whether a row walks through it (true) or stays at one element (false).
  public let walks: [Bool]
  private let outerDims: [Int]
  /// For each outer axis, the strides of the operands.
  private let outerStrides: [SIMD4<Int>]
  private let rowStrides: SIMD4<Int>

  /// - Parameters:
  ///   - operands: up to four shapes that broadcast to `result`.
  public init(_ operands: [Shape], to result: Shape) {
    if let strides = Broadcast.evenStrides(operands, result) {
      (rowCount, rows) = (result.count, 1)
      (rowStrides, outerDims, outerStrides) = (strides, [], [])
      walks = operands.indices.prefix(4).map { strides[$0] != 0 }
      return
    }
    var dims: [Int] = []
    var strides: [SIMD4<Int>] = []
    let extents = operands.prefix(4).map { shape in [Int](repeating: 1, count: max(result.rank - shape.rank, 0)) + shape.dims }
    var axisStrides = [SIMD4<Int>](repeating: .zero, count: result.rank)
    for (operand, extents) in extents.enumerated() {
      var stride = 1
      for axis in extents.indices.reversed() {
        axisStrides[axis][operand] = extents[axis] == 1 ? 0 : stride
        stride &*= max(extents[axis], 1)
      }
    }
    for axis in result.dims.indices where result[axis] != 1 {
      if let last = strides.last, last == axisStrides[axis] &* SIMD4(repeating: result[axis]) {
        dims[dims.count - 1] &*= result[axis]
        strides[strides.count - 1] = axisStrides[axis]
      } else {
        dims.append(result[axis])
        strides.append(axisStrides[axis])
      }
    }
    let row = dims.popLast() ?? 1
    let rowStrides = strides.popLast() ?? .zero
    rowCount = row
    rows = row == 0 ? 0 : dims.reduce(1, &*)
    walks = extents.indices.map { rowStrides[$0] != 0 }
    outerDims = dims
    outerStrides = strides
    self.rowStrides = rowStrides
  }

  /// The strides of operands that have the result's shape or one element, where all is one row; nil where there are others.
  private static func evenStrides(_ operands: [Shape], _ result: Shape) -> SIMD4<Int>? {
    guard result.count > 0 else { return nil }
    var strides = SIMD4<Int>.zero
    for operand in operands.indices.prefix(4) where operands[operand].count != 1 {
      guard operands[operand].dims == result.dims else { return nil }
      strides[operand] = 1
    }
    return strides
  }

  /// The element of an operand at which a row starts.
  @inline(__always)
  public func offset(operand: Int, row: Int) -> Int { offsets(row: row)[operand] }

  /// The elements of the operands at which a row starts.
  @inline(__always)
  public func offsets(row: Int) -> SIMD4<Int> {
    var rest = row
    var offsets = SIMD4<Int>.zero
    var axis = outerDims.count &- 1
    while axis >= 0 {
      offsets &+= outerStrides[axis] &* SIMD4(repeating: rest % outerDims[axis])
      rest /= outerDims[axis]
      axis &-= 1
    }
    return offsets
  }

  /// Walks the elements `range` of the result in runs that lie within a row each.
  /// - Parameter body: gets the elements at which the run starts in the operands and in the result, and its length.
  @inline(__always)
  public func forEachRun<E: Error>(
    in range: Range<Int>, _ body: (_ operands: SIMD4<Int>, _ result: Int, _ count: Int) throws(E) -> Void
  ) throws(E) {
    guard rowCount > 0 else { return }
    var position = range.lowerBound
    var row = position / rowCount
    var column = position % rowCount
    let innerRows = innerRows
    let step = outerStrides.last ?? .zero
    while position < range.upperBound {
      // Along the innermost outer axis the operands advance evenly, which saves the divisions.
      var rowsLeft = innerRows &- row % innerRows
      row &+= rowsLeft
      var start = offsets(row: row &- rowsLeft)
      while rowsLeft > 0, position < range.upperBound {
        let count = min(rowCount &- column, range.upperBound &- position)
        try body(start &+ rowStrides &* SIMD4(repeating: column), position, count)
        position &+= count
        column = 0
        start &+= step
        rowsLeft &-= 1
      }
    }
  }

  /// An operand, 0 or 1, whose short rows repeat many times while the other one runs on in step with the result.
  public var periodicOperand: Int? {
    guard rowCount > 0, rowCount < 64, let step = outerStrides.last, innerRows >= 4 else { return nil }
    if step[0] == 0, rowStrides[0] == 1, step[1] == rowCount, rowStrides[1] == 1 { return 0 }
    if step[1] == 0, rowStrides[1] == 1, step[0] == rowCount, rowStrides[0] == 1 { return 1 }
    return nil
  }

  /// The rows that follow each other along the innermost outer axis.
  public var innerRows: Int { outerDims.last ?? 1 }

  /// One row covers everything: all operands are of the result's shape or scalars.
  public var isFlat: Bool { outerDims.isEmpty }
}
