import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// What a float32 matrix product adds to and does with its result.
public struct ProductEpilogue: Sendable {
  /// Where a vector or matrix of addends comes from.
  public enum Source: Sendable {
    case input(Int)
    case constant(Buffer)
  }

  public var alpha: Float = 1
  /// One addend for each row of the result.
  public var rowBias: Source?
  /// One addend for each column.
  public var columnBias: Source?
  /// A matrix of the result's shape, added before the activation.
  public var residual: Source?
  /// `scale` times an input that broadcasts to the result with these strides, added before the activation.
  public var addend: (input: Int, scale: Float, rowStride: Int, columnStride: Int)?
  public var activation = Activation.none
  public init() {}

  /// Whether the product is the result.
  var isEmpty: Bool {
    alpha == 1 && rowBias == nil && columnBias == nil && residual == nil && addend == nil && activation.isNone
  }

  var transposed: ProductEpilogue {
    var other = self
    (other.rowBias, other.columnBias) = (columnBias, rowBias)
    if let addend { other.addend = (addend.input, addend.scale, addend.columnStride, addend.rowStride) }
    return other
  }
}

/// The kernel of a float32 matrix product into output 0.
///
/// Constant operands are packed once for the model. `residual` and `addend` are for a single product.
/// - Parameter packsB: false to read a constant B as it lies.
public func floatProductKernel(
  _ product: MatrixProduct, epilogue: ProductEpilogue = ProductEpilogue(), packsB: Bool = true, _ context: KernelContext
) throws(PinionError) -> Kernel {
  // A column as B would fill one lane of every vector; as A it is a row that streams through the other operand.
  if product.k == 1, epilogue.isEmpty, let kernel = outerKernel(product) { return kernel.named("outer product") }
  if product.n == 1, product.m > 1, packsB {
    // Short sums leave more of a dot product's time to adding lanes than packing rows takes.
    if product.k >= 128, product.count > 0, epilogue.isEmpty, context.value(product.a.input) == nil,
      let kernel = dotsKernel(product, .float32)
    {
      return kernel.named("dot products")
    }
    return try FloatProduct(product.transposed, epilogue.transposed, packsB: true, context).kernel(context)
  }
  return try FloatProduct(product, epilogue, packsB: packsB, context).kernel(context)
}

/// Columns by rows: each row of the result is a multiple of one row.
private func outerKernel(_ product: MatrixProduct) -> Kernel? {
  let (m, n) = (product.m, product.n)
  guard m > 0, n >= 16, product.count > 0, !product.b.isTransposed || product.b.stride == 1,
    let multiply = pk_binary_kernel(pk_isa_best(), PK_BINARY_MUL, PK_F32)
  else { return nil }
  let step = product.a.isTransposed ? 1 : product.a.stride
  return .ranges(product.count &* m, grain: max((1 << 15) / n, 1)) { frame, range in
    for row in range {
      let index = row / m
      let a = frame.input(product.a.input, as: Float.self) + product.offset(product.a, product: index) + row % m &* step
      let b = frame.input(product.b.input, as: Float.self) + product.offset(product.b, product: index)
      multiply(a, b, frame.output(0, as: Float.self) + row &* n, n, Int32(PK_A_SCALAR))
    }
  }
}

private struct FloatProduct: Sendable {
  let isa = pk_isa_best()
  let product: MatrixProduct
  let epilogue: ProductEpilogue
  let packedA: Packed?
  let packedB: Packed?
  let addendStart: Float

  struct Packed: Sendable {
    let buffer: Buffer
    /// Bytes from one matrix to the next.
    let stride: Int
    /// What the elements are; float16 and bfloat16 are widened while they are multiplied.
    var element = ElementType.float32
  }

  /// A B of half precision with fewer elements becomes float32 panels: it stays in the cache, where widening costs more than it saves.
  private static let leastHalf = 1 << 16

  init(_ product: MatrixProduct, _ epilogue: ProductEpilogue, packsB: Bool, _ context: KernelContext) throws(PinionError) {
    self.product = product
    self.epilogue = epilogue
    addendStart = epilogue.addend?.scale ?? 0
    let isa = isa
    let (m, n, k) = (product.m, product.n, product.k)
    let half = packsB ? try FloatProduct.packHalf(product.b, k: k, n: n, context) : nil
    packedB = half != nil || !packsB ? half : try FloatProduct.pack(
      product.b, size: k &* n, bytes: pk_sgemm_packed_b_bytes(isa, k, n), form: "sgemm.b", context
    ) { (operand, source, target, work) throws(PinionError) in
      try work.inPieces(of: columnsOfPiece(pk_sgemm_panel_cols(isa), depth: k), n) {
        pk_sgemm_pack_b(isa, operand.isTransposed, k, n, source, operand.stride, $0.lowerBound, $0.upperBound, target)
      }
    }
    // Against a constant B, or in a product of few rows, A is packed block by block at little cost.
    packedA = !packsB || packedB != nil || m <= 4 ? nil : try FloatProduct.pack(
      product.a, size: m &* k, bytes: pk_sgemm_packed_a_bytes(isa, m, k), form: "sgemm.a", context
    ) { (operand, source, target, work) throws(PinionError) in
      try work.inPieces(of: columnsOfPiece(pk_sgemm_panel_rows(isa, m), depth: k), m) {
        pk_sgemm_pack_a(isa, operand.isTransposed, m, k, source, operand.stride, $0.lowerBound, $0.upperBound, target)
      }
    }
  }

  private static func pack(
    _ operand: MatrixProduct.Operand, size: Int, bytes: Int, form: String, _ context: KernelContext,
    _ fill: (MatrixProduct.Operand, UnsafePointer<Float>, UnsafeMutablePointer<Float>, PieceWork) throws(PinionError) -> Void
  ) throws(PinionError) -> Packed? {
    // Matrices that interleave are left as they are: none is known to come as a constant.
    guard let constant = context.value(operand.input), size > 0, constant.count == size || operand.matrixStride == size
    else { return nil }
    guard bytes >= 0, bytes < Int.max / 2 else { throw .outOfMemory(bytes: bytes) }
    let matrices = constant.count / size
    let total = try bytes.multiplied(by: matrices)
    let key = "\(form).\(operand.isTransposed).\(operand.stride).\(size)"
    let buffer = try context.packed(constant, form: key, bytes: total) { (elements, target, work) throws(PinionError) in
      for index in 0..<matrices {
        try fill(
          operand, elements.assumingMemoryBound(to: Float.self) + index &* size,
          (target + index &* bytes).assumingMemoryBound(to: Float.self), work)
      }
    }
    return Packed(buffer: buffer, stride: matrices == 1 ? 0 : bytes)
  }

  /// A constant B that was half precision in the model, in panels that still are.
  private static func packHalf(
    _ operand: MatrixProduct.Operand, k: Int, n: Int, _ context: KernelContext
  ) throws(PinionError) -> Packed? {
    guard let constant = context.value(operand.input), let element = constant.constant?.narrowElement(of: constant),
      element == .float16 || element == .bfloat16, constant.count == k &* n, constant.count >= leastHalf
    else { return nil }
    let isa = pk_isa_best(), bytes = pk_sgemm_packed_b_half_bytes(isa, k, n)
    guard bytes >= 0, bytes < Int.max / 2 else { throw .outOfMemory(bytes: bytes) }
    let key = "sgemm.b.half.\(operand.isTransposed).\(operand.stride)"
    let buffer = try context.packedNarrow(constant, form: key, bytes: bytes) { (elements, target, work) throws(PinionError) in
      let source = elements.assumingMemoryBound(to: UInt16.self), panels = target.assumingMemoryBound(to: UInt16.self)
      try work.inPieces(of: columnsOfPiece(pk_sgemm_panel_cols(isa), depth: k), n) { columns in
        // A panel has the depth of one column after the other's first elements, and then their next.
        pk_sgemm_pack_b_half(
          isa, operand.isTransposed, k, columns.count, source + columns.lowerBound &* (operand.isTransposed ? operand.stride : 1), operand.stride,
          panels + columns.lowerBound &* k)
      }
    }
    return Packed(buffer: buffer, stride: 0, element: element)
  }

  /// The C description of product `index`; without a frame, enough of it to ask for sizes.
  @inline(__always)
  func description(_ frame: KernelFrame?, product index: Int) -> pk_sgemm {
    var g = pk_sgemm()
    g.m = product.m
    g.n = product.n
    g.k = product.k
    g.lda = product.a.stride
    g.ldb = product.b.stride
    g.trans_a = product.a.isTransposed
    g.trans_b = product.b.isTransposed
    g.ldc = product.n
    g.alpha = epilogue.alpha
    g.beta = addendStart
    g.epilogue = epilogue.activation.epilogue
    g.epilogue.ld_residual = product.n
    if let packedA { g.packed_a = packed(packedA, product.a, index) }
    if let packedB {
      if packedB.element == .float32 {
        g.packed_b = packed(packedB, product.b, index)
      } else {
        g.packed_b_half = UnsafePointer(packedB.buffer.pointer.assumingMemoryBound(to: UInt16.self))
        g.half_is_bfloat = packedB.element == .bfloat16
      }
    }
    guard let frame else { return g }
    g.a = frame.input(product.a.input, as: Float.self) + product.offset(product.a, product: index)
    g.b = frame.input(product.b.input, as: Float.self) + product.offset(product.b, product: index)
    g.c = frame.output(0, as: Float.self) + index &* product.m &* product.n
    g.epilogue.row_bias = pointer(epilogue.rowBias, frame)
    g.epilogue.col_bias = pointer(epilogue.columnBias, frame)
    g.epilogue.residual = pointer(epilogue.residual, frame)
    return g
  }

  @inline(__always)
  private func packed(_ packed: Packed, _ operand: MatrixProduct.Operand, _ index: Int) -> UnsafePointer<Float> {
    let matrix = packed.stride == 0 ? 0 : product.offset(operand, product: index) / max(operand.matrixStride, 1)
    return UnsafePointer((packed.buffer.pointer + matrix &* packed.stride).assumingMemoryBound(to: Float.self))
  }

  @inline(__always)
  private func pointer(_ source: ProductEpilogue.Source?, _ frame: KernelFrame) -> UnsafePointer<Float>? {
    switch source {
    case nil: nil
    case .input(let index)?: frame.input(index)
    case .constant(let buffer)?: UnsafePointer(buffer.pointer.assumingMemoryBound(to: Float.self))
    }
  }

  func kernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    var kernel = try stages(context)
    if packedA != nil { kernel.unreadInputs.append(product.a.input) }
    if packedB != nil { kernel.unreadInputs.append(product.b.input) }
    kernel.name = packedB != nil ? "product, B packed" : packedA != nil ? "product, A packed" : "product"
    return kernel
  }

  private func stages(_ context: KernelContext) throws(PinionError) -> Kernel {
    let (m, n) = (product.m, product.n)
    guard m > 0, n > 0, product.count > 0 else { return Kernel(stages: []) }
    var g = description(nil, product: 0)
    var blockRows = 0, blockColumns = 0
    pk_sgemm_grid(isa, &g, (context.threads &+ product.count &- 1) / product.count, &blockRows, &blockColumns)
    let scratch = pk_sgemm_scratch_bytes(isa, &g, blockRows, blockColumns)
    guard scratch >= 0, scratch < Int.max / 4 else { throw .outOfMemory(bytes: scratch) }
    let rowBlocks = (m &- 1) / blockRows &+ 1
    let columnBlocks = (n &- 1) / blockColumns &+ 1
    let blocks = rowBlocks &* columnBlocks
    if packedA == nil, product.count == 1, m > 4, columnBlocks >= FloatProduct.blocksThatShareA {
      return try sharedStages(rows: blockRows, columns: blockColumns)
    }
    // Small products share a task, as long as there are tasks for every thread.
    let group = blocks > 1 ? 1 : max(1, min((1 << 20) / product.work, product.count / (context.threads &* 2)))
    let rows = blockRows, columns = blockColumns
    if group > 1 {
      return .ranges(product.count, grain: group, laneScratchBytes: scratch) { frame, range in
        for index in range { run(frame, product: index, rows: 0..<m, columns: 0..<n) }
      }
    }
    return .parallel(tasks: product.count &* blocks, laneScratchBytes: scratch) { frame, task in
      let block = task % blocks
      let row = block % rowBlocks &* rows, column = block / rowBlocks &* columns
      run(frame, product: task / blocks, rows: row..<min(row &+ rows, m), columns: column..<min(column &+ columns, n))
    }
  }

  /// Blocks of columns from which on A is packed before them instead of once more by each.
  private static let blocksThatShareA = 4

  /// The stages of a product whose A is packed once, for all blocks of this many rows and columns.
  private func sharedStages(rows: Int, columns: Int) throws(PinionError) -> Kernel {
    let (m, n, k) = (product.m, product.n, product.k)
    let bytes = try scratchSize(pk_sgemm_packed_a_bytes(isa, m, k))
    var g = description(nil, product: 0)
    g.packed_a = UnsafePointer(bitPattern: 64)
    let scratch = try scratchSize(pk_sgemm_scratch_bytes(isa, &g, rows, columns))
    let panel = max(pk_sgemm_panel_rows(isa, m), 1)
    let panels = (m &- 1) / panel &+ 1
    let packing = Kernel.Stage.ranges(panels, grain: (1 << 19) / max(panel &* k, 1)) { frame, range in
      let first = range.lowerBound &* panel, end = min(range.upperBound &* panel, m)
      let source = frame.input(product.a.input, as: Float.self)
      pk_sgemm_pack_a(
        isa, product.a.isTransposed, m, k, source, product.a.stride, first, end, frame.scratch.assumingMemoryBound(to: Float.self))
    }
    let rowBlocks = (m &- 1) / rows &+ 1, columnBlocks = (n &- 1) / columns &+ 1
    let main = Kernel.Stage(tasks: rowBlocks &* columnBlocks) { frame, task in
      let row = task % rowBlocks &* rows, column = task / rowBlocks &* columns
      run(
        frame, product: 0, rows: row..<min(row &+ rows, m), columns: column..<min(column &+ columns, n),
        shared: UnsafePointer(frame.scratch.assumingMemoryBound(to: Float.self)))
    }
    return Kernel(stages: [packing, main], scratchBytes: bytes, laneScratchBytes: scratch)
  }

  @inline(__always)
  private func run(_ frame: KernelFrame, product index: Int, rows: Range<Int>, columns: Range<Int>, shared: UnsafePointer<Float>? = nil) {
    var g = description(frame, product: index)
    if let shared { g.packed_a = shared }
    if let addend = epilogue.addend {
      let source = frame.input(addend.input, as: Float.self)
      for row in rows {
        let target = g.c + row &* product.n
        let start = source + row &* addend.rowStride
        for column in columns { target[column] = start[column &* addend.columnStride] }
      }
    }
    pk_sgemm_block(isa, &g, rows.lowerBound, rows.upperBound, columns.lowerBound, columns.upperBound, frame.laneScratch)
  }
}
