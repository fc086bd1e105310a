import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionTensor

/// Numbers that can be summed and multiplied, integers modulo their width.
protocol EinsumElement: Element {
  static var zeroElement: Self { get }
  func plus(_ other: Self) -> Self
  func times(_ other: Self) -> Self
  /// The kernel of their matrix products, besides float32's.
  static var productFunction: pk_product_fn? { get }
  /// The kernel that sums them.
  static var sumFunction: pk_reduce_fn? { get }
}

extension EinsumElement {
  static var productFunction: pk_product_fn? { elementType.kernelType.flatMap { pk_product_kernel(pk_isa_best(), $0) } }
  static var sumFunction: pk_reduce_fn? {
    switch elementType {
    // Wrapping sums have the same bits with and without sign.
    case .uint32: pk_reduce_kernel(pk_isa_best(), PK_REDUCE_SUM, PK_I32)
    case .uint64: pk_reduce_kernel(pk_isa_best(), PK_REDUCE_SUM, PK_I64)
    default: elementType.kernelType.flatMap { pk_reduce_kernel(pk_isa_best(), PK_REDUCE_SUM, $0) }
    }
  }
}

extension EinsumElement where Self: BinaryFloatingPoint {
  static var zeroElement: Self { 0 }
  @inline(__always) func plus(_ other: Self) -> Self { self + other }
  @inline(__always) func times(_ other: Self) -> Self { self * other }
}

extension EinsumElement where Self: FixedWidthInteger {
  static var zeroElement: Self { 0 }
  @inline(__always) func plus(_ other: Self) -> Self { self &+ other }
  @inline(__always) func times(_ other: Self) -> Self { self &* other }
}

extension Float: EinsumElement {}
extension Double: EinsumElement {}
extension UInt8: EinsumElement {}
extension UInt16: EinsumElement {}
extension UInt32: EinsumElement {}
extension UInt64: EinsumElement {}

/// Runs the steps of a plan one after the other, each in parallel.
func einsumKernel<T: EinsumElement>(
  _ plan: EinsumPlan, _ extents: [EinsumPlan.Label: Int], _: T.Type, _ context: KernelContext
) throws(PinionError) -> Kernel {
  var kernel = Kernel(stages: [], scratchBytes: try plan.scratchElements.multiplied(by: MemoryLayout<T>.stride))
  for step in plan.steps {
    switch step {
    case .reduce(let from, let to, let kept, let summed):
      kernel.stages.append(
        summed.isEmpty ? copyStage(from, to, kept, extents, T.self) : reduceStage(from, to, kept, summed, extents, T.self))
    case .multiply(let a, let b, let c, 1, 1, let k, let batch) where k == 1 || (a.isRow && b.isColumn):
      if k > 1, let type = T.elementType.kernelType, let function = pk_dots_kernel(pk_isa_best(), type) {
        kernel.stages.append(dotStage(function, a, b, c, k, batch, T.self))
      } else {
        kernel.stages.append(multiplyStage(a, b, c, 1, 1, k, batch, T.self))
      }
    case .multiply(let a, let b, let c, let m, let n, let k, let batch):
      if T.self == Float.self, min(m, n) > 1 || m &* n &* k > 256 {
        kernel.stages.append(try floatStage(a, b, c, m, n, k, batch, context, &kernel.laneScratchBytes))
      } else if let function = T.productFunction, min(m, n) > 1 {
        kernel.laneScratchBytes = max(kernel.laneScratchBytes, Int(PK_PRODUCT_SCRATCH_BYTES))
        kernel.stages.append(productStage(function, a, b, c, m, n, k, batch, T.self))
      } else {
        kernel.stages.append(multiplyStage(a, b, c, m, n, k, batch, T.self))
      }
    }
  }
  return kernel
}

extension EinsumPlan.Place {
  @inline(__always) fileprivate func pointer<T>(_ frame: KernelFrame, _: T.Type) -> UnsafeMutablePointer<T> {
    switch self {
    case .input(let index): frame.operand(index).assumingMemoryBound(to: T.self)
    case .scratch(let start): frame.scratch.assumingMemoryBound(to: T.self) + start
    case .output: frame.output(0, as: T.self)
    }
  }
}

private func copyStage<T: EinsumElement>(
  _ from: EinsumPlan.View, _ to: EinsumPlan.View, _ kept: [EinsumPlan.Label], _ extents: [EinsumPlan.Label: Int], _: T.Type
) -> Kernel.Stage {
  let axes = kept.map { StridedCopy.Axis(extents[$0] ?? 1, from: from.strides[$0] ?? 0, to: to.strides[$0] ?? 0) }
  let copy = StridedCopy(width: MemoryLayout<T>.stride, axes), source = from.place, target = to.place
  return .ranges(copy.units, grain: max((1 << 16) / max(copy.unitBytes, 1), 1)) { frame, units in
    copy.run(units, from: source.pointer(frame, T.self), to: target.pointer(frame, T.self))
  }
}

private func reduceStage<T: EinsumElement>(
  _ from: EinsumPlan.View, _ to: EinsumPlan.View, _ kept: [EinsumPlan.Label], _ summed: [EinsumPlan.Label],
  _ extents: [EinsumPlan.Label: Int], _: T.Type
) -> Kernel.Stage {
  let extent = { (label: EinsumPlan.Label) in extents[label] ?? 1 }
  let strides = { (label: EinsumPlan.Label) in [from.strides[label] ?? 0, to.strides[label] ?? 0] }
  let target = StridedAxes(extents: kept.map(extent), strides: kept.map(strides))
  let outer = StridedAxes(extents: summed.dropLast().map(extent), strides: summed.dropLast().map(strides))
  let innerExtent = summed.last.map(extent) ?? 1, innerStride = summed.last.map { from.strides[$0] ?? 0 } ?? 0
  let source = from.place, destination = to.place
  let sum = innerStride == 1 && innerExtent >= 8 ? T.sumFunction : nil
  let work = max(outer.count &* innerExtent, 1)
  return .ranges(target.count, grain: max(elementwiseGrain / work, 1)) { frame, range in
    let x = source.pointer(frame, T.self), y = destination.pointer(frame, T.self)
    for index in range {
      let at = target.offsets(index)
      var total = T.zeroElement
      for position in 0..<outer.count {
        let line = x + (at[0] &+ outer.offsets(position)[0])
        if let sum {
          var part = T.zeroElement
          sum(line, &part, 1, innerExtent, 1, 1)
          total = total.plus(part)
        } else {
          for inner in 0..<innerExtent { total = total.plus(line[inner &* innerStride]) }
        }
      }
      y[at[1]] = total
    }
  }
}

private func multiplyStage<T: EinsumElement>(
  _ a: EinsumPlan.Matrix, _ b: EinsumPlan.Matrix, _ c: EinsumPlan.Matrix, _ m: Int, _ n: Int, _ k: Int, _ batch: StridedAxes, _: T.Type
) -> Kernel.Stage {
  let aRow = a.isTransposed ? 1 : a.stride, aColumn = a.isTransposed ? a.stride : 1
  let bRow = b.isTransposed ? 1 : b.stride, bColumn = b.isTransposed ? b.stride : 1
  let work = max(n, 1) &* max(k, 1)
  return .ranges(batch.count &* m, grain: max((1 << 18) / max(work, 1), 1)) { frame, range in
    let aStart = a.place.pointer(frame, T.self), bStart = b.place.pointer(frame, T.self), cStart = c.place.pointer(frame, T.self)
    for index in range {
      let at = batch.offsets(index / m), row = index % m
      let x = aStart + (at[0] &+ row &* aRow), y = bStart + at[1], z = cStart + (at[2] &+ row &* c.stride)
      if bColumn == 1 && n > 1 {
        for column in 0..<n { z[column] = .zeroElement }
        for depth in 0..<k {
          let factor = x[depth &* aColumn], line = y + depth &* bRow
          for column in 0..<n { z[column] = z[column].plus(factor.times(line[column])) }
        }
      } else {
        for column in 0..<n {
          var sum = T.zeroElement
          let line = y + column &* bColumn
          for depth in 0..<k { sum = sum.plus(x[depth &* aColumn].times(line[depth &* bRow])) }
          z[column] = sum
        }
      }
    }
  }
}

extension EinsumPlan.Matrix {
  /// Whether the one row, or the one column, lies without gaps.
  fileprivate var isRow: Bool { !isTransposed || stride == 1 }
  fileprivate var isColumn: Bool { isTransposed || stride == 1 }
}

/// Dot products, long ones in pieces between which the run's limits are asked.
private func dotStage<T: EinsumElement>(
  _ function: @escaping pk_dots_fn, _ a: EinsumPlan.Matrix, _ b: EinsumPlan.Matrix, _ c: EinsumPlan.Matrix, _ k: Int, _ batch: StridedAxes,
  _: T.Type
) -> Kernel.Stage {
  let piece = 1 << 20
  return .ranges(batch.count, grain: max((1 << 16) / k, 1)) { (frame, range) throws(PinionError) in
    for index in range {
      let at = batch.offsets(index)
      let x = a.place.pointer(frame, T.self) + at[0], y = b.place.pointer(frame, T.self) + at[1]
      var total = T.zeroElement, start = 0
      while start < k {
        if start > 0 { try frame.control.check() }
        let count = min(piece, k &- start)
        var part = T.zeroElement
        function(x + start, count, y + start, &part, 1, count)
        total = start == 0 ? part : total.plus(part)
        start &+= count
      }
      (c.place.pointer(frame, T.self) + at[2]).pointee = total
    }
  }
}

private func productStage<T: EinsumElement>(
  _ function: @escaping pk_product_fn,
  _ a: EinsumPlan.Matrix, _ b: EinsumPlan.Matrix, _ c: EinsumPlan.Matrix, _ m: Int, _ n: Int, _ k: Int, _ batch: StridedAxes, _: T.Type
) -> Kernel.Stage {
  // About a millisecond of multiply-adds for a task.
  let columns = min(n, 128), rows = min(m, max(4, (4 << 20) / max(k, 1) / columns))
  let rowBlocks = (m &- 1) / rows &+ 1, blocks = rowBlocks &* ((n &- 1) / columns &+ 1)
  let grain = max((1 << 18) / max(rows &* columns &* max(k, 1), 1), 1)
  return .ranges(batch.count &* blocks, grain: grain) { frame, range in
    var g = pk_product()
    (g.k, g.lda, g.trans_a) = (k, a.stride, a.isTransposed)
    (g.ldb, g.trans_b, g.ldc) = (b.stride, b.isTransposed, c.stride)
    for task in range {
      let at = batch.offsets(task / blocks), block = task % blocks
      g.a = UnsafeRawPointer(a.place.pointer(frame, T.self) + at[0])
      g.b = UnsafeRawPointer(b.place.pointer(frame, T.self) + at[1])
      g.c = UnsafeMutableRawPointer(c.place.pointer(frame, T.self) + at[2])
      let row = block % rowBlocks &* rows, column = block / rowBlocks &* columns
      function(&g, row, min(row &+ rows, m), column, min(column &+ columns, n), frame.laneScratch)
    }
  }
}

private func floatStage(
  _ a: EinsumPlan.Matrix, _ b: EinsumPlan.Matrix, _ c: EinsumPlan.Matrix, _ m: Int, _ n: Int, _ k: Int, _ batch: StridedAxes,
  _ context: KernelContext, _ laneScratchBytes: inout Int
) throws(PinionError) -> Kernel.Stage {
  let isa = pk_isa_best()
  let packed = try packedConstant(b, isa, n, k, batch, context)
  let describe: @Sendable () -> pk_sgemm = {
    var g = pk_sgemm()
    (g.m, g.n, g.k) = (m, n, k)
    (g.lda, g.ldb, g.ldc) = (a.stride, b.stride, c.stride)
    (g.trans_a, g.trans_b) = (a.isTransposed, b.isTransposed)
    g.alpha = 1
    if let packed { g.packed_b = UnsafePointer(packed.pointer.assumingMemoryBound(to: Float.self)) }
    return g
  }
  var form = describe()
  var rows = 0, columns = 0
  pk_sgemm_grid(isa, &form, max((context.threads &+ batch.count &- 1) / batch.count, 1), &rows, &columns)
  let scratch = pk_sgemm_scratch_bytes(isa, &form, rows, columns)
  guard scratch >= 0, scratch < Int.max / 4, rows > 0, columns > 0 else { throw .outOfMemory(bytes: scratch) }
  laneScratchBytes = max(laneScratchBytes, scratch)
  let blockRows = rows, blockColumns = columns
  let rowBlocks = (m &- 1) / rows &+ 1
  let blocks = rowBlocks &* ((n &- 1) / columns &+ 1)
  // Small products share a task.
  let grain = max((1 << 18) / max(min(m, rows) &* min(n, columns) &* max(k, 1), 1), 1)
  return .ranges(batch.count &* blocks, grain: grain) { frame, range in
    var g = describe()
    for task in range {
      let at = batch.offsets(task / blocks), block = task % blocks
      g.a = UnsafePointer(a.place.pointer(frame, Float.self) + at[0])
      g.b = UnsafePointer(b.place.pointer(frame, Float.self) + at[1])
      g.c = c.place.pointer(frame, Float.self) + at[2]
      let row = block % rowBlocks &* blockRows, column = block / rowBlocks &* blockColumns
      pk_sgemm_block(isa, &g, row, min(row &+ blockRows, m), column, min(column &+ blockColumns, n), frame.laneScratch)
    }
  }
}

/// A constant right operand, packed once for the model.
private func packedConstant(
  _ b: EinsumPlan.Matrix, _ isa: pk_isa, _ n: Int, _ k: Int, _ batch: StridedAxes, _ context: KernelContext
) throws(PinionError) -> Buffer? {
  guard case .input(let index) = b.place, batch.count == 1, let constant = context.value(index), constant.count == n &* k
  else { return nil }
  let bytes = pk_sgemm_packed_b_bytes(isa, k, n)
  guard bytes >= 0, bytes < Int.max / 2 else { throw .outOfMemory(bytes: bytes) }
  return try context.packed(constant, form: "einsum.b.\(b.isTransposed).\(b.stride).\(k).\(n)", bytes: bytes) { (elements, target, work) throws(PinionError) in
    try work.inPieces(of: columnsOfPiece(pk_sgemm_panel_cols(isa), depth: k), n) {
      pk_sgemm_pack_b(
        isa, b.isTransposed, k, n, elements.assumingMemoryBound(to: Float.self), b.stride, $0.lowerBound, $0.upperBound,
        target.assumingMemoryBound(to: Float.self))
    }
  }
}
