import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// What a pool computes from each window.
public enum PoolFunction: Sendable {
  /// Output 1 receives the positions of the maxima if the node names it.
  case maximum(columnMajorIndices: Bool)
  /// - countsPadding: whether the divisor counts positions in the padding.
  case mean(countsPadding: Bool)
  /// The p-norm.
  case norm(p: Double)
}

extension PoolFunction {
  /// The type of input 0 as the kernels name it.
  fileprivate func kernelType(_ context: KernelContext) throws(PinionError) -> pk_type {
    switch (try context.type(0).element, self) {
    case (.float32, _): PK_F32
    case (.float64, _): PK_F64
    case (.float16, _): PK_F16
    case (.bfloat16, _): PK_BF16
    case (.int8, .maximum): PK_I8
    case (.uint8, .maximum): PK_U8
    default: throw context.unsupportedTypes()
    }
  }
}

/// The kernel of a pool over channels-first tensors, from input 0 to output 0.
/// - Parameter planes: images times channels.
public func poolKernel(_ function: PoolFunction, planes: Int, _ window: Window, _ context: KernelContext) throws(PinionError) -> Kernel {
  guard window.rank <= PK_POOL_RANK_LIMIT else {
    throw .unsupported("a pool over \(window.rank) axes; at most \(PK_POOL_RANK_LIMIT) are supported")
  }
  let type = try function.kernelType(context)
  let isa = pk_isa_best()
  let wantsIndices = context.wants(output: 1), window = wantsIndices ? window : window.withRowsJoined
  var shape = window.poolShape
  let scratch = try scratchSize(pk_pool_scratch_bytes(isa, type, &shape))
  let work = max(Double(window.outputCount) * Double(window.kernelCount), 1)
  let description = shape
  if !wantsIndices, let kernel = rowPoolKernel(function, type, planes: planes, shape, work: work, scratch: scratch, context) { return kernel.named("rows") }
  /// Computes planes into `y`, where that of number `first` begins so many planes behind it.
  @Sendable func compute(
    _ shape: inout pk_pool_shape, _ first: Int, _ last: Int, _ frame: KernelFrame, _ y: UnsafeMutableRawPointer,
    _ indices: UnsafeMutablePointer<Int64>?
  ) {
    let x = frame.rawInput(0)
    switch function {
    case .maximum(let isColumnMajor):
      _ = pk_pool_max(isa, type, &shape, x, y, indices, isColumnMajor, first, last, nil)
    case .mean(let countsPadding):
      _ = pk_pool_average(isa, type, &shape, countsPadding, x, y, first, last, nil)
    case .norm(let p):
      _ = pk_pool_lp(type, &shape, p, x, y, first, last)
    }
  }
  var mostWork = 2e6
  if case .norm = function { mostWork /= 16 }
  if work > mostWork, window.outputCount > 1 {
    // Planes are cut along their outermost axis, and where one of its rows is too much, along the next: the first window of a part is moved
    // to where the padding begins.
    let output = window.output, strides = window.stride, plane = window.outputCount
    var axis = 0, inner = plane / output[0]
    while axis &+ 1 < window.rank, work / Double(plane) * Double(inner) > mostWork {
      axis &+= 1
      inner /= output[axis]
    }
    let extent = output[axis], row = inner, outer = plane / row / extent, cut = axis
    let rows = max(1, min(extent, Int(saturating: mostWork / work * Double(plane / row)))), parts = (extent &- 1) / rows &+ 1
    let width = try context.outputType(0).element.byteWidth
    return .parallel(tasks: try planes.multiplied(by: outer).multiplied(by: parts)) { frame, task in
      let number = task / parts / outer, start = task % parts &* rows, count = min(rows, extent &- start)
      var shape = description
      // Below zero the padding wraps round, as the kernel's own positions do.
      withSlots(&shape.pad) { pad in
        var rest = task / parts % outer
        for axis in stride(from: cut &- 1, through: 0, by: -1) {
          pad[axis] &-= rest % output[axis] &* strides[axis]
          rest /= output[axis]
        }
        pad[cut] &-= start &* strides[cut]
      }
      withSlots(&shape.out) { out in
        for axis in 0..<cut { out[axis] = 1 }
        out[cut] = count
      }
      let offset = (number &* outer &+ task / parts % outer) &* extent &* row &+ start &* row &- number &* count &* row
      compute(
        &shape, number, number &+ 1, frame, frame.rawOutput(0) + offset &* width, wantsIndices ? frame.output(1, as: Int64.self) + offset : nil)
    }
  }
  // A power takes as long as sixteen comparisons.
  var taskWork = 1e6
  if case .norm = function { taskWork /= 16 }
  let grain = max(1, min(Int(saturating: min(taskWork / work, 1e6)), planes / (context.threads &* 3)))
  return .ranges(planes, grain: grain) { frame, range in
    var shape = description
    compute(
      &shape, range.lowerBound, range.upperBound, frame, frame.rawOutput(0), wantsIndices ? frame.output(1, as: Int64.self) : nil)
  }
}

/// The kernel of a pool that can be cut between rows of its output, so that a task is short however large a plane is.
/// - Parameter work: elements that the windows of a plane see, each as often as it is seen.
private func rowPoolKernel(
  _ function: PoolFunction, _ type: pk_type, planes: Int, _ shape: pk_pool_shape, work: Double, scratch: Int, _ context: KernelContext
) -> Kernel? {
  let isa = pk_isa_best()
  var description = shape
  let isMaximum: Bool, countsPadding: Bool
  switch function {
  case .maximum: (isMaximum, countsPadding) = (true, false)
  case .mean(let counts): (isMaximum, countsPadding) = (false, counts)
  case .norm: return nil
  }
  let rows = pk_pool_rows(type, &description, isMaximum)
  guard rows > 0 else { return nil }
  let count = planes &* rows
  // Whole planes where they are small: what is made ready for a task is then made once for them.
  let wanted = max(1, min(Int(saturating: min(4e6 * Double(rows) / work, 1e9)), count / (context.threads &* 3)))
  let grain = wanted > rows ? wanted / rows &* rows : wanted
  let final = description
  return .ranges(count, grain: grain, laneScratchBytes: scratch) { frame, range in
    var shape = final
    let (first, last) = (range.lowerBound, range.upperBound)
    let x = frame.rawInput(0), y = frame.rawOutput(0)
    if isMaximum {
      _ = pk_pool_max_rows(isa, type, &shape, planes, x, y, first, last, frame.laneScratch)
    } else {
      _ = pk_pool_average_rows(isa, type, &shape, countsPadding, planes, x, y, first, last, frame.laneScratch)
    }
  }
}

/// The kernel of a pool whose window is all spatial axes: `count` elements for each plane.
public func globalPoolKernel(_ function: PoolFunction, planes: Int, count: Int, _ context: KernelContext) throws(PinionError) -> Kernel {
  guard try context.type(0).element.isFloatingPoint else { throw context.unsupportedTypes() }
  let type = try function.kernelType(context)
  let isa = pk_isa_best()
  if case .norm = function {
    var window = Window(input: [count])
    window.kernel = [count]
    window.output = [1]
    return try poolKernel(function, planes: planes, window, context)
  }
  let pool = if case .maximum = function { pk_pool_global_max } else { pk_pool_global_average }
  return .ranges(planes, grain: max(1, 65_536 / max(count, 1))) { frame, range in
    _ = pool(isa, type, count, frame.rawInput(0), frame.rawOutput(0), range.lowerBound, range.upperBound)
  }
}

extension Window {
  /// What the kernels are told, of at most PK_POOL_RANK_LIMIT axes.
  public var poolShape: pk_pool_shape {
    var shape = pk_pool_shape()
    shape.rank = rank
    fillSlots(&shape.in, input)
    fillSlots(&shape.kernel, kernel)
    fillSlots(&shape.stride, stride)
    fillSlots(&shape.dilation, dilation)
    fillSlots(&shape.pad, padBefore)
    fillSlots(&shape.pad_end, padAfter)
    fillSlots(&shape.out, output)
    return shape
  }
}
