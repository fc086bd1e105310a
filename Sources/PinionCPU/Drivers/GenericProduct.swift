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
