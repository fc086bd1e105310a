import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// The kernel of a matrix product of float64 or 32- or 64-bit integers into output 0.
public func genericProductKernel(_ product: MatrixProduct, _ element: ElementType, _ context: KernelContext) throws(PinionError) -> Kernel {
  guard let kernelType = element.kernelType, let function = pk_product_kernel(pk_isa_best(), kernelType) else {
    throw context.unsupportedTypes()
  }
  let (m, n) = (product.m, product.n)
  guard m > 0, n > 0, product.count > 0 else { return Kernel(stages: []) }
  if let kernel = dotsKernel(product, element) { return kernel }
  let width = element.byteWidth
  // About a millisecond of multiply-adds for a task.
  let columns = min(n, 128)
  let rows = min(m, max(4, (4 << 20) / max(product.k, 1) / columns))
  let rowBlocks = (m &- 1) / rows &+ 1
  let blocks = rowBlocks &* ((n &- 1) / columns &+ 1)
  return .parallel(tasks: product.count &* blocks, laneScratchBytes: PK_PRODUCT_SCRATCH_BYTES) { frame, task in
    let index = task / blocks
    var g = pk_product()
    g.k = product.k
    g.a = frame.rawInput(product.a.input) + product.offset(product.a, product: index) &* width
    g.lda = product.a.stride
    g.trans_a = product.a.isTransposed
    g.b = frame.rawInput(product.b.input) + product.offset(product.b, product: index) &* width
    g.ldb = product.b.stride
    g.trans_b = product.b.isTransposed
    g.c = frame.rawOutput(0) + index &* m &* n &* width
    g.ldc = n
    let row = task % blocks % rowBlocks &* rows, column = task % blocks / rowBlocks &* columns
    function(&g, row, min(row &+ rows, m), column, min(column &+ columns, n), frame.laneScratch)
  }
}

/// Rows by one column as dot products, for float32 and float64; nil where the operands do not lie along the sum.
func dotsKernel(_ product: MatrixProduct, _ element: ElementType) -> Kernel? {
  let (m, k) = (product.m, product.k)
  guard product.n == 1, !product.a.isTransposed, product.b.stride == 1 || product.b.isTransposed || k == 1,
    let type = element.kernelType, let function = pk_dots_kernel(pk_isa_best(), type), k <= 1 << 22
  else { return nil }
  let width = element.byteWidth
  let rows = min(m, max(4, (1 << 19) / max(k, 1) / 4 &* 4)), blocks = (m &- 1) / rows &+ 1
  // Small products share a task.
  let grain = max((1 << 16) / max(rows &* k, 1), 1)
  return .ranges(product.count &* blocks, grain: grain) { frame, range in
    for task in range {
      let index = task / blocks, row = task % blocks &* rows
      let a = frame.rawInput(product.a.input) + (product.offset(product.a, product: index) &+ row &* product.a.stride) &* width
      let x = frame.rawInput(product.b.input) + product.offset(product.b, product: index) &* width
      function(a, product.a.stride, x, frame.rawOutput(0) + (index &* m &+ row) &* width, min(rows, m &- row), k)
    }
  }
}

/// The same, then `alpha * product + beta * input 2`.
/// - Parameter addend: elements of input 2 from one row and one column of the result to the next; nil for no addend.
public func genericProductKernel(
  _ product: MatrixProduct, _ element: ElementType, alpha: Float, beta: Float = 1, addend: (row: Int, column: Int)?,
  _ context: KernelContext
) throws(PinionError) -> Kernel {
  var kernel = try genericProductKernel(product, element, context)
  let columns = product.n, rows = product.m &* product.count
  guard alpha != 1 || addend != nil, rows > 0, columns > 0 else { return kernel }
  func finish<T: Element>(
    _: T.Type, _ scaled: @escaping @Sendable (T, Float) -> T, _ sum: @escaping @Sendable (T, T) -> T
  ) {
    kernel.stages.append(
      .ranges(rows, grain: max(elementwiseGrain / columns, 1)) { frame, rows in
        for row in rows {
          let y = frame.output(0, as: T.self) + row &* columns
          if alpha != 1 { for column in 0..<columns { y[column] = scaled(y[column], alpha) } }
          guard let addend else { continue }
          let c = frame.input(2, as: T.self) + row &* addend.row
          for column in 0..<columns {
            let term = c[column &* addend.column]
            y[column] = sum(y[column], beta == 1 ? term : scaled(term, beta))
          }
        }
      })
  }
  func finishIntegers<T: Element & FixedWidthInteger>(_: T.Type) {
    finish(T.self, { T(clamping: Double($0) * Double($1)) }, { $0 &+ $1 })
  }
  switch element {
  case .float64: finish(Double.self, { $0 * Double($1) }, { $0 + $1 })
  case .int32: finishIntegers(Int32.self)
  case .int64: finishIntegers(Int64.self)
  case .uint32: finishIntegers(UInt32.self)
  case .uint64: finishIntegers(UInt64.self)
  default: throw context.unsupportedTypes()
  }
  return kernel
}

extension FixedWidthInteger {
  /// The number without its fraction, or the nearest the type has.
  init(clamping number: Double) {
    if let exact = Self(exactly: number.rounded(.towardZero)) {
      self = exact
    } else {
      self = number.isNaN ? 0 : number < 0 ? .min : .max
    }
  }
}
