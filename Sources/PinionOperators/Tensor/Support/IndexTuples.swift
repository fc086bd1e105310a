import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Slices of a data tensor that vectors of indices name: the last axis of the index tensor holds one index for each of the
/// data's axes behind the batch axes, as far as it goes.
struct IndexTuples: Sendable {
  private let extents: [Int]
  private let strides: [Int]
  private let batchStride: Int
  private let tuplesPerBatch: Int
  /// Indices in a vector.
  let depth: Int
  /// Vectors in all.
  let count: Int
  /// Elements of a slice.
  let run: Int

  /// - Parameters:
  ///   - batchAxes: leading axes that data and indices share.
  init(data: Shape, indices: Shape, batchAxes: Int) throws(PinionError) {
    guard let depth = indices.dims.last, data.rank >= 1, batchAxes >= 0, batchAxes < indices.rank, batchAxes &+ depth <= data.rank else {
      throw .invalidShape("indices of shape \(indices) do not fit data of shape \(data) with \(batchAxes) batch axes")
    }
    guard data.dims[..<batchAxes] == indices.dims[..<batchAxes] else {
      throw .invalidShape("indices of shape \(indices) and data of shape \(data) differ in the \(batchAxes) batch axes")
    }
    let named = batchAxes..<batchAxes &+ depth
    extents = Array(data.dims[named])
    strides = Array(data.strides[named])
    batchStride = data.count(batchAxes..<data.rank)
    tuplesPerBatch = max(indices.count(batchAxes..<indices.rank &- 1), 1)
    self.depth = depth
    count = indices.dims.contains(0) && depth != 0 ? 0 : indices.count(0..<indices.rank &- 1)
    run = data.count(batchAxes &+ depth..<data.rank)
  }

  /// The first element of the slice that a vector names.
  @inline(__always)
  func element<Index: IndexElement>(_ tuple: Int, _ indices: UnsafePointer<Index>) throws(PinionError) -> Int {
    // The quotient takes longer than all else here.
    var offset = tuple < tuplesPerBatch ? 0 : tuple / tuplesPerBatch &* batchStride
    for axis in 0..<depth {
      offset &+= try indices[tuple &* depth &+ axis].position(in: extents[axis]) &* strides[axis]
    }
    return offset
  }
}
