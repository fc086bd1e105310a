import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The elements that an index tensor names along one axis of a data tensor of the same rank: its other axes run in step.
struct AxisGrid: Sendable {
  private let outerExtents: [Int]
  private let outerStrides: [Int]
  private let count: Int
  private let extent: Int
  private let stride: Int
  private let inner: Int
  /// Where the columns of the index tensor lie in the data; nil where they lie alike.
  private let innerOffsets: [Int]?
  private let columnBlocks: Int
  private static let columnBlock = 1024
  /// Parts that share no element of the data.
  let units: Int
  /// Units that make a task.
  let grain: Int

  /// - Parameters:
  ///   - indices: a shape of the data's rank that nowhere but along `axis` exceeds the data's.
  init(data: Shape, indices: Shape, axis: Int) {
    let strides = data.strides
    outerExtents = Array(indices.dims[..<axis])
    outerStrides = Array(strides[..<axis])
    count = indices[axis]
    extent = data[axis]
    stride = strides[axis]
    inner = indices.count(axis &+ 1..<indices.rank)
    if data.dims[(axis &+ 1)...] == indices.dims[(axis &+ 1)...] {
      innerOffsets = nil
    } else {
      innerOffsets = (0..<inner).map { column in
        var rest = column, offset = 0
        for axis in (axis &+ 1..<indices.rank).reversed() {
          offset &+= rest % indices[axis] &* strides[axis]
          rest /= indices[axis]
        }
        return offset
      }
    }
    columnBlocks = inner == 0 ? 0 : (inner &- 1) / AxisGrid.columnBlock &+ 1
    units = indices.count == 0 ? 0 : indices.count(0..<axis) &* columnBlocks
    grain = max((1 << 14) / max(count &* min(inner, AxisGrid.columnBlock), 1), 1)
  }

  /// Copies to each element of the index tensor's shape in a unit the element of the data that it names.
  @inline(__always)
  func gather(
    _ unit: Int, _ indices: UnsafeRawPointer, isWide: Bool, _ data: UnsafeRawPointer, width: Int, _ target: UnsafeMutableRawPointer
  ) throws(PinionError) {
    let outer = unit / columnBlocks
    let first = unit % columnBlocks &* AxisGrid.columnBlock
    let base = (outerOffset(outer) &+ first) &* width
    let indexWidth = isWide ? 8 : 4
    // Along the innermost axis a unit is one row of indices; elsewhere each of its rows walks over the columns.
    let columns = inner == 1 ? count : min(AxisGrid.columnBlock, inner &- first)
    for row in 0..<(inner == 1 ? 1 : count) {
      let start = (outer &* count &+ row) &* inner &+ first
      try gatherElements(
        data + base, indices + start &* indexWidth, isWide: isWide, extent: extent, step: stride, drift: inner == 1 ? 0 : 1,
        width: width, target + start &* width, columns)
    }
  }

  /// Whether `gather` works: the columns lie alike in indices and data.
  var isPlain: Bool { innerOffsets == nil }

  @inline(__always)
  private func outerOffset(_ outer: Int) -> Int {
    var base = 0, rest = outer, axis = outerExtents.count &- 1
    while axis >= 0 {
      base &+= rest % outerExtents[axis] &* outerStrides[axis]
      rest /= outerExtents[axis]
      axis &-= 1
    }
    return base
  }

  /// Calls `body` with each element of the index tensor in a unit and the element of the data it names, in the order of the axis.
  @inline(__always)
  func walk<Index: IndexElement>(
    _ unit: Int, _ indices: UnsafePointer<Index>, _ body: (_ index: Int, _ element: Int) -> Void
  ) throws(PinionError) {
    let outer = unit / columnBlocks
    let first = unit % columnBlocks &* AxisGrid.columnBlock
    let last = min(first &+ AxisGrid.columnBlock, inner)
    let base = outerOffset(outer)
    for row in 0..<count {
      let start = (outer &* count &+ row) &* inner
      if let innerOffsets {
        for column in first..<last {
          let position = try indices[start &+ column].position(in: extent)
          body(start &+ column, base &+ position &* stride &+ innerOffsets[column])
        }
      } else {
        for column in first..<last {
          let position = try indices[start &+ column].position(in: extent)
          body(start &+ column, base &+ position &* stride &+ column)
        }
      }
    }
  }
}

extension InferenceContext {
  /// Checks that the indices (input 1) have the data's rank and fit it but for the axis; returns the axis.
  func gridAxis(_ axis: Int64) throws(PinionError) -> Int {
    let data = try type(0, rankAtLeast: 1), indices = try type(1)
    let axis = try data.shape.normalized(axis: axis)
    guard indices.rank == data.rank else { throw .invalidShape("indices are \(indices), expected the rank of the data \(data)") }
    for other in data.dims.indices where other != axis && indices.dims[other] > data.dims[other] {
      throw .invalidShape("indices are \(indices), expected no more than the data \(data) at axis \(other)")
    }
    return axis
  }
}
