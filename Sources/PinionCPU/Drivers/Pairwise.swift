import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// A kernel that combines inputs 0 and 1, lined up as `shapes` say, elementwise into output 0 of the same type.
public func binaryKernel(_ op: pk_binary_op, _ shapes: [Shape], _ context: KernelContext) throws(PinionError) -> Kernel {
  let element = try context.type(0).element
  guard let type = element.kernelType, let function = pk_binary_kernel(pk_isa_best(), op, type) else {
    throw context.unsupportedTypes()
  }
  return try pairwiseKernel(shapes, width: element.byteWidth, outputWidth: element.byteWidth, context) { a, b, y, count, flags in
    function(a, b, y, count, flags)
  }
}

/// A kernel that compares inputs 0 and 1, lined up as `shapes` say, into the bool output 0.
public func compareKernel(_ op: pk_compare_op, _ shapes: [Shape], _ context: KernelContext) throws(PinionError) -> Kernel {
  let element = try context.type(0).element
  guard let type = element.kernelType, let function = pk_compare_kernel(pk_isa_best(), op, type) else {
    throw context.unsupportedTypes()
  }
  return try pairwiseKernel(shapes, width: element.byteWidth, outputWidth: 1, context) { a, b, y, count, flags in
    function(a, b, y.assumingMemoryBound(to: UInt8.self), count, flags)
  }
}

/// A kernel that calls `body` for each run of inputs 0 and 1 and of output 0; an operand that stands still in a run is
/// marked in the flags as `pk_binary_fn` has them.
public func pairwiseKernel(
  _ shapes: [Shape], width: Int, outputWidth: Int, _ context: KernelContext,
  _ body: @escaping @Sendable (UnsafeRawPointer, UnsafeRawPointer, UnsafeMutableRawPointer, Int, Int32) -> Void
) throws(PinionError) -> Kernel {
  let result = try context.outputType(0).shape
  let broadcast = Broadcast(shapes, to: result)
  if let operand = broadcast.periodicOperand {
    return periodicKernel(broadcast, operand, count: result.count, width: width, outputWidth: outputWidth, body)
  }
  let flags = broadcast.scalarFlags
  return .ranges(result.count, grain: elementwiseGrain) { frame, range in
    broadcast.forEachRun(in: range) { at, start, count in
      body(
        frame.rawInput(0) + at[0] &* width, frame.rawInput(1) + at[1] &* width, frame.rawOutput(0) + start &* outputWidth, count, flags)
    }
  }
}

/// For short rows that one operand repeats, as a bias of three channels: the repetition is written out once for each task, so
/// that a call covers hundreds of elements.
private func periodicKernel(
  _ broadcast: Broadcast, _ operand: Int, count: Int, width: Int, outputWidth: Int,
  _ body: @escaping @Sendable (UnsafeRawPointer, UnsafeRawPointer, UnsafeMutableRawPointer, Int, Int32) -> Void
) -> Kernel {
  let row = broadcast.rowCount
  let pattern = min(512 / row, broadcast.innerRows) &* row
  let group = broadcast.innerRows &* row
  return .ranges(count, grain: elementwiseGrain, laneScratchBytes: pattern * width) { frame, range in
    var position = range.lowerBound
    while position < range.upperBound {
      let start = broadcast.offsets(row: position / group &* broadcast.innerRows)
      let repeated = frame.rawInput(operand) + start[operand] &* width
      for copy in stride(from: 0, to: pattern, by: row) {
        (frame.laneScratch + copy &* width).copyMemory(from: repeated, byteCount: row &* width)
      }
      let other = frame.rawInput(1 &- operand) + start[1 &- operand] &* width
      let end = min(range.upperBound, (position / group &+ 1) &* group)
      while position < end {
        let phase = position % row
        let length = min(pattern &- phase, end &- position)
        let same = UnsafeRawPointer(frame.laneScratch + phase &* width), moving = other + position % group &* width
        body(operand == 0 ? same : moving, operand == 0 ? moving : same, frame.rawOutput(0) + position &* outputWidth, length, 0)
        position &+= length
      }
    }
  }
}

extension Broadcast {
  /// The flags of `pk_binary_fn` for operands 0 and 1.
  public var scalarFlags: Int32 {
    var flags: Int32 = 0
    if !walks[0] { flags |= Int32(PK_A_SCALAR) }
    if !walks[1] { flags |= Int32(PK_B_SCALAR) }
    return flags
  }
}

/// The inputs of an elementwise operator that already have the output's elements one for one.
public func inputsLikeOutput(_ candidates: [Int], _ context: KernelContext) -> [Int] {
  guard let output = context.outputs.first else { return [] }
  return candidates.filter { index in
    guard let type = context.optionalType(index) else { return false }
    return type.count == output.count && type.element.byteWidth == output.element.byteWidth
  }
}
