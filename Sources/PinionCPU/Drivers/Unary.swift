import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// Elements for one task of a cheap elementwise kernel: below that, starting a thread costs more than it saves.
public let elementwiseGrain = 16_384

/// A kernel that maps each element of input 0 to one of output 0.
public func unaryKernel(_ op: pk_unary_op, _ params: pk_params = pk_params(), _ context: KernelContext) throws(PinionError) -> Kernel {
  let type = try context.type(0)
  guard let kernelType = type.element.kernelType, let function = pk_unary_kernel(pk_isa_best(), op, kernelType) else {
    throw context.unsupportedTypes()
  }
  let width = type.element.byteWidth
  return .ranges(type.count, grain: elementwiseGrain) { frame, range in
    let offset = range.lowerBound &* width
    withUnsafePointer(to: params) { function(frame.rawInput(0) + offset, frame.rawOutput(0) + offset, range.count, $0) }
  }
}

/// The same computed in another type between conversions, for element types without the operation.
public func unaryKernel(
  _ op: pk_unary_op, _ params: pk_params, through working: ElementType, _ context: KernelContext
) throws(PinionError) -> Kernel {
  let type = try context.type(0)
  guard let kernelType = working.kernelType, let function = pk_unary_kernel(pk_isa_best(), op, kernelType) else {
    throw context.unsupportedTypes()
  }
  let widen = try ElementConversion(from: type.element, to: working), narrow = try ElementConversion(from: working, to: type.element)
  let width = type.element.byteWidth
  let strip = 512
  return .ranges(type.count, grain: elementwiseGrain, laneScratchBytes: strip * working.byteWidth) { frame, range in
    var start = range.lowerBound
    while start < range.upperBound {
      let count = min(strip, range.upperBound &- start)
      widen(frame.rawInput(0) + start &* width, frame.laneScratch, count)
      withUnsafePointer(to: params) { function(frame.laneScratch, frame.laneScratch, count, $0) }
      narrow(frame.laneScratch, frame.rawOutput(0) + start &* width, count)
      start &+= count
    }
  }
}

/// A kernel that moves input 0 to output 0 unchanged.
public func copyKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
  let bytes = try context.type(0).byteCount
  return .ranges(bytes, grain: 1 << 20) { frame, range in
    (frame.rawOutput(0) + range.lowerBound).copyMemory(from: frame.rawInput(0) + range.lowerBound, byteCount: range.count)
  }
}
