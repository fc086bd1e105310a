import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// Sizes and operand layout of a stack of matrix products `C[m, n] = A[m, k] · B[k, n]`, as `numpy.matmul` defines it.
///
/// The products' results lie one after another.
public struct MatrixProduct: Sendable {
  /// A stack of matrices in memory.
  public struct Operand: Sendable {
    /// The input of the node.
    public var input: Int
    /// Whether memory holds the transposed matrices.
    public var isTransposed: Bool
    /// Elements from one row in memory to the next.
    public var stride: Int
    /// Elements from one matrix to the next.
    public var matrixStride: Int
    /// The operand's number in `batch`.
    var position: Int
  }

  public private(set) var m: Int
  public private(set) var n: Int
  public private(set) var k: Int
  public private(set) var a: Operand
  public private(set) var b: Operand
  /// How many products there are.
  public private(set) var count: Int
  public let result: Shape
  private var batch: Broadcast

  /// How operands of `numpy.matmul` may deviate from plain row-major matrices.
  public struct Transposition: Sendable {
    public var a = false
    public var b = false
    /// The rows of A come before its batch axes: [m, batch..., k].
    public var batchA = false
    public var batchB = false
    public init(a: Bool = false, b: Bool = false, batchA: Bool = false, batchB: Bool = false) {
      self.a = a
      self.b = b
      self.batchA = batchA
      self.batchB = batchB
    }
  }

  /// - Parameter mergesRows: whether matrices A that share one B may count as one tall A.
  public init(
    _ shapeA: Shape, _ shapeB: Shape, _ transposition: Transposition = Transposition(), inputs: (a: Int, b: Int) = (0, 1),
    mergesRows: Bool = true
  ) throws(PinionError) {
    func reject(_ why: String) -> PinionError { .invalidShape("shapes \(shapeA) and \(shapeB) cannot be multiplied: \(why)") }
    guard shapeA.rank > 0, shapeB.rank > 0 else { throw reject("scalars are not matrices") }
    // A vector on the left is a row, one on the right a column; neither leaves an axis in the result.
    let left = try Matrices(shapeA.rank == 1 ? [1] + shapeA.dims : shapeA.dims, shapeA.rank > 1 && transposition.a, transposition.batchA)
    let right = try Matrices(shapeB.rank == 1 ? shapeB.dims + [1] : shapeB.dims, shapeB.rank > 1 && transposition.b, transposition.batchB)
    guard left.columns == right.rows else { throw reject("depths \(left.columns) and \(right.rows) differ") }
    m = left.rows
    n = right.columns
    k = left.columns
    let batchShape = try Shape.broadcast([left.batch, right.batch])
    var dims = batchShape.dims
    if shapeA.rank > 1 { dims.append(m) }
    if shapeB.rank > 1 { dims.append(n) }
    result = try Shape(dims)
    batch = Broadcast([left.batch, right.batch], to: batchShape)
    count = batchShape.count
    a = Operand(
      input: inputs.a, isTransposed: left.isTransposed, stride: left.stride, matrixStride: left.matrixStride, position: 0)
    b = Operand(
      input: inputs.b, isTransposed: right.isTransposed, stride: right.stride, matrixStride: right.matrixStride, position: 1)
    if mergesRows, right.batch.count == 1, !left.isTransposed, left.stride == k, left.matrixStride == m &* k {
      m = m &* count
      count = count == 0 ? 0 : 1
    }
  }

  private struct Matrices {
    let rows: Int, columns: Int, isTransposed: Bool, stride: Int, matrixStride: Int, batch: Shape

    init(_ dims: [Int], _ isTransposed: Bool, _ isRowFirst: Bool) throws(PinionError) {
      let rank = dims.count
      let isRowFirst = isRowFirst && rank > 2
      let outer = isRowFirst ? dims[0] : dims[rank - 2]
      let inner = dims[rank - 1]
      batch = try Shape(Array(isRowFirst ? dims[1..<(rank - 1)] : dims[0..<(rank - 2)]))
      stride = isRowFirst ? inner &* batch.count : inner
      matrixStride = isRowFirst ? inner : outer &* inner
      rows = isTransposed ? inner : outer
      columns = isTransposed ? outer : inner
      self.isTransposed = isTransposed
    }
  }

  /// The product with its operands exchanged and transposed, whose result is the transposed one.
  public var transposed: MatrixProduct {
    var other = self
    (other.m, other.n) = (n, m)
    (other.a, other.b) = (b, a)
    other.a.isTransposed.toggle()
    other.b.isTransposed.toggle()
    return other
  }

  /// The element at which an operand's matrix for product `index` starts.
  @inline(__always)
  public func offset(_ operand: Operand, product index: Int) -> Int {
    guard count > 1 else { return 0 }
    let matrix = batch.offset(operand: operand.position, row: index / batch.rowCount)
      &+ (batch.walks[operand.position] ? index % batch.rowCount : 0)
    return matrix &* operand.matrixStride
  }

  /// Multiply-adds of one product, at most 2^62.
  public var work: Int {
    let (value, overflow) = (m &* n).multipliedReportingOverflow(by: max(k, 1))
    return overflow ? 1 << 62 : max(min(value, 1 << 62), 1)
  }
}
