import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// A zero point of a product's operand in int32: one, one for each row (column for B), or one for each of each matrix.
public struct ProductZero: Sendable {
  let place: Preparation.Place
  let isVector: Bool
  /// Elements from one product to the next.
  let stride: Int

  /// - Parameters:
  ///   - lines: rows of A or columns of B.
  ///   - count: how many products there are.
  /// - Returns: nil where the input is absent.
  public init?(
    _ input: Int, lines: Int, count: Int, _ preparation: inout Preparation, _ context: KernelContext
  ) throws(PinionError) {
    guard let type = context.optionalType(input), let place = try preparation.convertIfPresent(input, to: .int32) else { return nil }
    self.place = place
    isVector = type.count != 1
    let all = lines &* max(count, 1)
    guard type.count == 1 || type.count == lines || type.count == all else {
      throw .invalidShape("zero point \(type), expected one element or \(lines)")
    }
    stride = type.count == all && count > 1 ? lines : 0
  }

  /// One zero point at hand.
  public init(_ place: Preparation.Place) {
    self.place = place
    isVector = false
    stride = 0
  }

  /// Zero points at hand: one for each product, or one for each line of each.
  public init(_ place: Preparation.Place, perProduct lines: Int) {
    self.place = place
    isVector = lines != 1
    stride = lines
  }

  @inline(__always)
  func pointer(_ frame: KernelFrame, product: Int) -> UnsafePointer<Int32> { place.pointer(frame) + product &* stride }
}

/// A product of matrices of uint8 or int8 with sums of 32 bits: sum of (a - aZero)(b - bZero).
public struct IntegerProduct: Sendable {
  let product: MatrixProduct
  let aIsSigned: Bool
  let bIsSigned: Bool
  let aZero: ProductZero?
  let bZero: ProductZero?

  public init(_ product: MatrixProduct, aIsSigned: Bool, bIsSigned: Bool, aZero: ProductZero?, bZero: ProductZero?) {
    self.product = product
    self.aIsSigned = aIsSigned
    self.bIsSigned = bIsSigned
    self.aZero = aZero
    self.bZero = bZero
  }

  public var rows: Int { product.m }
  public var columns: Int { product.n }
  /// How many products there are.
  public var count: Int { product.count }

  /// Takes over the sums of a part of a row.
  public typealias Finish = @Sendable (
    _ frame: KernelFrame, _ product: Int, _ row: Int, _ columns: Range<Int>, _ sums: UnsafePointer<Int32>,
    _ scratch: UnsafeMutablePointer<Float>
  ) -> Void

  /// Where operands lie that are not inputs.
  public typealias Source = @Sendable (KernelFrame) -> UnsafeRawPointer

  /// The stage that computes the product, and the scratch memory of its lanes.
  /// - Parameters:
  ///   - a: where A lies if it is not an input.
  ///   - finish: nil to leave the sums in output 0. Its scratch has room for a float for each of its columns.
  public func stage(
    _ context: KernelContext, a source: Source? = nil, finish: Finish? = nil
  ) throws(PinionError) -> (stage: Kernel.Stage, laneScratchBytes: Int) {
    let (m, n, k) = (product.m, product.n, product.k)
    guard m > 0, n > 0, product.count > 0 else { return (Kernel.Stage(tasks: 0) { _, _ in }, 0) }
    let isa = pk_isa_best()
    let b = product.b
    let packed = try PackedCodes(
      context, input: b.input, isTransposed: b.isTransposed, stride: b.stride, k: k, n: n, aIsSigned: aIsSigned, bIsSigned: bIsSigned)
    var g = pk_igemm()
    (g.m, g.n, g.k) = (m, n, k)
    (g.lda, g.ldb, g.ldc) = (product.a.stride, b.stride, n)
    (g.trans_a, g.trans_b) = (product.a.isTransposed, b.isTransposed)
    (g.a_signed, g.b_signed) = (aIsSigned, bIsSigned)
    (g.a_zero_per_row, g.b_zero_per_column) = (aZero?.isVector ?? false, bZero?.isVector ?? false)
    g.packed_b = packed?.matrix(0)
    var blockRows = 0, blockColumns = 0
    pk_igemm_grid(isa, &g, (context.threads &+ product.count &- 1) / product.count, &blockRows, &blockColumns)
    // The sums of a block wait in the cache for what follows.
    if finish != nil { blockRows = min(blockRows, max(1 << 17 / max(blockColumns, 1), 8)) }
    let rows = max(blockRows, 1), columns = max(blockColumns, 1)
    let own = try alignedUp(scratchSize(pk_igemm_scratch_bytes(isa, &g, rows, columns)), to: Buffer.alignment)
    let sumBytes = finish == nil ? 0 : try alignedUp(rows.multiplied(by: columns).multiplied(by: 4), to: Buffer.alignment)
    let lane = try own.adding(sumBytes).adding(finish == nil ? 0 : columns.multiplied(by: 4))

    let rowBlocks = (m &- 1) / rows &+ 1
    let blocks = rowBlocks &* ((n &- 1) / columns &+ 1)
    let template = Template(g: g)
    let stage = Kernel.Stage(tasks: product.count &* blocks) { frame, task in
      let index = task / blocks, block = task % blocks
      let row = block % rowBlocks &* rows, column = block / rowBlocks &* columns
      let lastRow = min(row &+ rows, m), lastColumn = min(column &+ columns, n)
      var g = template.g
      g.a = (source?(frame) ?? frame.rawInput(product.a.input)) + product.offset(product.a, product: index)
      g.b = frame.rawInput(b.input) + product.offset(b, product: index)
      if let packed { g.packed_b = packed.matrix(product.offset(b, product: index) / max(k &* n, 1)) }
      g.a_zero = aZero?.pointer(frame, product: index)
      g.b_zero = bZero?.pointer(frame, product: index)
      guard let finish else {
        g.c = frame.output(0, as: Int32.self) + index &* m &* n
        pk_igemm_block(isa, &g, row, lastRow, column, lastColumn, frame.laneScratch)
        return
      }
      let width = lastColumn &- column
      let sums = (frame.laneScratch + own).assumingMemoryBound(to: Int32.self)
      g.ldc = width
      g.c = sums - (row &* width &+ column)
      pk_igemm_block(isa, &g, row, lastRow, column, lastColumn, frame.laneScratch)
      let room = (frame.laneScratch + (own &+ sumBytes)).assumingMemoryBound(to: Float.self)
      for line in row..<lastRow {
        finish(frame, index, line, column..<lastColumn, UnsafePointer(sums + (line &- row) &* width), room)
      }
    }
    return (stage, lane)
  }

  /// The fields that stay the same for all blocks; its only pointer is one to packed memory that lives as long as the model.
  private struct Template: @unchecked Sendable { let g: pk_igemm }
}

/// Constant matrices B of an integer product, packed once for the model.
public struct PackedCodes: Sendable {
  private let buffer: Buffer
  private let stride: Int

  /// - Returns: nil where the input is not constant or has no elements.
  public init?(
    _ context: KernelContext, input: Int, isTransposed: Bool, stride: Int, k: Int, n: Int, aIsSigned: Bool, bIsSigned: Bool
  ) throws(PinionError) {
    guard let constant = context.value(input), k > 0, n > 0 else { return nil }
    let isa = pk_isa_best(), bytes = try scratchSize(pk_igemm_packed_b_bytes(isa, k, n)), matrices = constant.count / (k &* n)
    buffer = try context.packed(
      constant, form: "igemm.b.\(isTransposed).\(aIsSigned).\(n)", bytes: try bytes.multiplied(by: matrices)
    ) { (elements, target, work) throws(PinionError) in
      let columns = columnsOfPiece(pk_igemm_panel_cols(isa), depth: k)
      for index in 0..<matrices {
        try work.inPieces(of: columns, n) { range in
          pk_igemm_pack_b(
            isa, isTransposed, aIsSigned, bIsSigned, k, n, elements + index &* k &* n, stride, range.lowerBound, range.upperBound,
            target + index &* bytes)
        }
      }
    }
    self.stride = bytes
  }

  @inline(__always)
  public func matrix(_ index: Int) -> UnsafeRawPointer { UnsafeRawPointer(buffer.pointer + index &* stride) }
}
