import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// Calls `body` with pieces of `size` of `0..<count`.
typealias WeightPieces = (
  _ size: Int, _ count: Int, _ body: (Range<Int>) throws(PinionError) -> Void
) throws(PinionError) -> Void

/// A floating-point type that rows can be multiplied with weights in.
///
/// Weights are ONNX's: `n` rows of `k` elements, the transpose of what rows of `k` elements are multiplied with.
protocol WeightElement: RealElement {
  static func packedBytes(n: Int, k: Int) throws(PinionError) -> Int
  static func pack(
    _ weights: UnsafePointer<Self>, n: Int, k: Int, into packed: UnsafeMutableRawPointer, _ inPieces: WeightPieces
  ) throws(PinionError)
  static func scratchBytes(_ product: WeightProduct) throws(PinionError) -> Int
  /// Rows and columns of the blocks that the result is best computed in.
  static func grid(_ product: WeightProduct, threads: Int) -> (rows: Int, columns: Int)
  /// Rows that are computed together: where a block's rows begin and end with such, or with the product, sums have the same bits in every block.
  static func rowStep(_ product: WeightProduct) -> Int
  /// c = a * weights^T + bias for one block of rows and columns.
  static func multiply(
    _ product: WeightProduct, a: UnsafePointer<Self>, packed: UnsafeRawPointer, bias: UnsafePointer<Self>?, c: UnsafeMutablePointer<Self>,
    rows: Range<Int>, columns: Range<Int>, scratch: UnsafeMutableRawPointer)
}

/// The extents of a product of `m` rows of `k` elements with `n` rows of weights.
struct WeightProduct: Sendable {
  let m: Int
  let n: Int
  let k: Int
}

extension Float: WeightElement {
  static func packedBytes(n: Int, k: Int) throws(PinionError) -> Int {
    guard let bytes = Int(exactly: pk_sgemm_packed_b_bytes(pk_isa_best(), k, n)) else { throw .outOfMemory(bytes: .max) }
    return bytes
  }

  static func pack(
    _ weights: UnsafePointer<Float>, n: Int, k: Int, into packed: UnsafeMutableRawPointer, _ inPieces: WeightPieces
  ) throws(PinionError) {
    let isa = pk_isa_best(), target = packed.assumingMemoryBound(to: Float.self)
    // A panel holds the elements of its columns at one depth after the other.
    let panel = pk_sgemm_panel_cols(isa)
    for column in stride(from: 0, to: n, by: panel) {
      let columns = min(panel, n &- column)
      try inPieces((1 << 20) / panel, k) { depths in
        pk_sgemm_pack_b(
          isa, true, depths.count, columns, weights + (column &* k &+ depths.lowerBound), k, 0, columns,
          target + (column &* k &+ depths.lowerBound &* panel))
      }
    }
  }

  private static func gemm(_ product: WeightProduct) -> pk_sgemm {
    var gemm = pk_sgemm()
    gemm.m = product.m
    gemm.n = product.n
    gemm.k = product.k
    gemm.lda = product.k
    gemm.ldc = product.n
    gemm.alpha = 1
    // Tells the functions that only look at the form of the product that B is packed.
    gemm.packed_b = UnsafePointer(bitPattern: 64)
    return gemm
  }

  static func scratchBytes(_ product: WeightProduct) throws(PinionError) -> Int {
    let bytes = withUnsafePointer(to: gemm(product)) { pk_sgemm_scratch_bytes(pk_isa_best(), $0, product.m, product.n) }
    guard let bytes = Int(exactly: bytes) else { throw .outOfMemory(bytes: .max) }
    return bytes
  }

  static func grid(_ product: WeightProduct, threads: Int) -> (rows: Int, columns: Int) {
    var rows = 0, columns = 0
    withUnsafePointer(to: gemm(product)) { pk_sgemm_grid(pk_isa_best(), $0, threads, &rows, &columns) }
    return (max(rows, 1), max(columns, 1))
  }

  static func rowStep(_ product: WeightProduct) -> Int { pk_sgemm_panel_rows(pk_isa_best(), product.m) }

  static func multiply(
    _ product: WeightProduct, a: UnsafePointer<Float>, packed: UnsafeRawPointer, bias: UnsafePointer<Float>?,
    c: UnsafeMutablePointer<Float>, rows: Range<Int>, columns: Range<Int>, scratch: UnsafeMutableRawPointer
  ) {
    var gemm = gemm(product)
    gemm.a = a
    gemm.packed_b = packed.assumingMemoryBound(to: Float.self)
    gemm.c = c
    gemm.epilogue.col_bias = bias
    withUnsafePointer(to: gemm) {
      pk_sgemm_block(pk_isa_best(), $0, rows.lowerBound, rows.upperBound, columns.lowerBound, columns.upperBound, scratch)
    }
  }
}

extension Double: WeightElement {
  static func packedBytes(n: Int, k: Int) throws(PinionError) -> Int { try n.multiplied(by: k).multiplied(by: 8) }

  static func pack(
    _ weights: UnsafePointer<Double>, n: Int, k: Int, into packed: UnsafeMutableRawPointer, _ inPieces: WeightPieces
  ) throws(PinionError) {
    let target = packed.assumingMemoryBound(to: Double.self)
    try inPieces(1 << 18, n &* k) { (target + $0.lowerBound).update(from: weights + $0.lowerBound, count: $0.count) }
  }

  static func scratchBytes(_ product: WeightProduct) throws(PinionError) -> Int { 0 }

  static func grid(_ product: WeightProduct, threads: Int) -> (rows: Int, columns: Int) {
    (max(1, 1_000_000 / max(1, product.n &* product.k)), max(product.n, 1))
  }

  static func rowStep(_ product: WeightProduct) -> Int { 1 }

  static func multiply(
    _ product: WeightProduct, a: UnsafePointer<Double>, packed: UnsafeRawPointer, bias: UnsafePointer<Double>?,
    c: UnsafeMutablePointer<Double>, rows: Range<Int>, columns: Range<Int>, scratch: UnsafeMutableRawPointer
  ) {
    let weights = packed.assumingMemoryBound(to: Double.self)
    for row in rows {
      for column in columns {
        var sum = 0.0
        for index in 0..<product.k { sum += a[row &* product.k &+ index] * weights[column &* product.k &+ index] }
        c[row &* product.n &+ column] = sum + (bias?[column] ?? 0)
      }
    }
  }
}

/// Weights that are packed once where they are constant, and at the start of each run where they are not.
struct PackedMatrices: Sendable {
  private let constant: Buffer?
  private let offset: Int
  private let stride: Int
  /// Bytes in the kernel's scratch memory, from `offset` on.
  let scratchBytes: Int
  private let input: Int
  private let matrices: [Range<Int>]
  private let rows: Int
  private let k: Int

  /// - Parameters:
  ///   - input: the weights, `count` matrices of `rows` x `k` in a row.
  ///   - part: the rows of each matrix that are wanted.
  ///   - offset: where in the kernel's scratch memory there is room.
  init<T: WeightElement>(
    _ context: KernelContext, _ type: T.Type, input: Int, count: Int, rows: Int, k: Int, part: Range<Int>, offset: Int
  ) throws(PinionError) {
    let stride = try alignedUp(try T.packedBytes(n: part.count, k: k), to: Buffer.alignment)
    let bytes = try stride.multiplied(by: count)
    if let value = context.value(input) {
      constant = try context.packed(value, form: "weights.\(count).\(rows).\(k).\(part)", bytes: bytes) { (source, target, work) throws(PinionError) in
        for index in 0..<count {
          let matrix = source.assumingMemoryBound(to: T.self) + (index &* rows &+ part.lowerBound) &* k
          try T.pack(matrix, n: part.count, k: k, into: target + index &* stride) { (size, count, body) throws(PinionError) in
            try work.inPieces(of: size, count, body)
          }
        }
      }
      scratchBytes = 0
    } else {
      constant = nil
      scratchBytes = bytes
    }
    self.input = input
    self.offset = offset
    self.stride = stride
    self.rows = rows
    self.k = k
    matrices = [Range<Int>](repeating: part, count: count)
  }

  var isConstant: Bool { constant != nil }

  /// Packs weights that are not constant.
  func pack<T: WeightElement>(_ frame: KernelFrame, _ type: T.Type) throws(PinionError) {
    guard constant == nil else { return }
    for (index, part) in matrices.enumerated() {
      let matrix = frame.input(input, as: T.self) + (index &* rows &+ part.lowerBound) &* k
      try T.pack(matrix, n: part.count, k: k, into: frame.scratch + offset + index &* stride) { (size, count, body) throws(PinionError) in
        try inPieces(of: size, count, frame.control, body)
      }
    }
  }

  func pointer(_ index: Int, _ frame: KernelFrame) -> UnsafeRawPointer {
    UnsafeRawPointer(constant.map { $0.pointer + index &* stride } ?? frame.scratch + offset + index &* stride)
  }
}
