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
  private let outerStrides: [[Int]]

  /// - Parameters:
  ///   - operands: shapes that broadcast to `result`.
  public init(_ operands: [Shape], to result: Shape) {
    var dims: [Int] = []
    var strides = [[Int]](repeating: [], count: operands.count)
    let padded = operands.map { shape in [Int](repeating: 1, count: max(result.rank - shape.rank, 0)) + shape.dims }
    let operandStrides = padded.map { extents in
      var stride = 1
      var result = [Int](repeating: 0, count: extents.count)
      for axis in extents.indices.reversed() {
        result[axis] = extents[axis] == 1 ? 0 : stride
        stride &*= max(extents[axis], 1)
      }
      return result
    }
    for axis in result.dims.indices where result[axis] != 1 {
      let current = operandStrides.map { $0[axis] }
      if let last = dims.indices.last, operands.indices.allSatisfy({ strides[$0][last] == current[$0] &* result[axis] }) {
        dims[last] &*= result[axis]
        for operand in operands.indices { strides[operand][last] = current[operand] }
      } else {
        dims.append(result[axis])
        for operand in operands.indices { strides[operand].append(current[operand]) }
      }
    }
    let row = dims.popLast() ?? 1
    rowCount = row
    rows = row == 0 ? 0 : dims.reduce(1, &*)
    walks = strides.map { $0.last ?? 0 != 0 }
    outerDims = dims
    outerStrides = strides.map { Array($0.dropLast()) }
  }

  /// The element of an operand at which a row starts.
  @inline(__always)
  public func offset(operand: Int, row: Int) -> Int {
    var rest = row
    var offset = 0
    var axis = outerDims.count &- 1
    while axis >= 0 {
      offset &+= rest % outerDims[axis] &* outerStrides[operand][axis]
      rest /= outerDims[axis]
      axis &-= 1
    }
    return offset
  }

  /// One row covers everything: all operands are of the result's shape or scalars.
  public var isFlat: Bool { outerDims.isEmpty }
}
