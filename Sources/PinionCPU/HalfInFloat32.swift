import CKernels
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Runs a float32 kernel between conversions of every float16 and bfloat16 operand.
/// - Parameter kept: operands that the operator's kernel takes in half precision, outputs behind the inputs.
package func halfInFloat32Kernel(_ op: any CPUExecutable, _ context: KernelContext, keeping kept: Set<Int> = []) throws(PinionError) -> Kernel {
  let inputs = context.inference.inputs
  func isHalf(_ operand: Int) -> Bool {
    let type = operand < inputs.count ? inputs[operand] : context.outputs[operand &- inputs.count]
    return !kept.contains(operand) && (type?.element == .float16 || type?.element == .bfloat16)
  }
  func widened(_ type: TensorType?, _ operand: Int) -> TensorType? {
    guard let type, isHalf(operand) else { return type }
    return TensorType(.float32, type.shape)
  }
  let operands = inputs + context.outputs.map(Optional.init)
  guard operands.indices.contains(where: isHalf) else { return try op.makeKernel(context) }
  // A constant has a wide one of its own, which the inner kernel can derive its layouts from; where it does, nothing wide stays beside.
  var values: [Tensor?] = []
  for (index, type) in inputs.enumerated() {
    guard let constant = context.value(index), let wide = widened(type, index), isHalf(index) else {
      values.append(context.value(index))
      continue
    }
    if Swift.type(of: op).packsConstants, constant.constant != nil {
      values.append(try constant.derivedFloat32())
    } else {
      let convert = try conversion(from: constant.element, to: .float32)
      let count = constant.count
      let buffer = try context.packed(constant, form: "float32", bytes: wide.byteCount) { (elements, target, work) throws(PinionError) in
        try work.inPieces(of: 1 << 20, count) { convert(elements + 2 &* $0.lowerBound, target + 4 &* $0.lowerBound, $0.count) }
      }
      values.append(Tensor(wide, data: buffer.pointer, owner: buffer))
    }
  }
  let wideConstants = values.indices.map { isHalf($0) ? values[$0] : nil }
  let wideTypes = operands.enumerated().map { widened($1, $0) }
  let inner = try op.makeKernel(
    context.with(
      inputs: Array(wideTypes[..<inputs.count]), values: values, outputs: wideTypes[inputs.count...].compactMap { $0 }, schema: type(of: op).schema))

  var wideReads: [(index: Int, constant: Tensor)] = []
  for (index, constant) in wideConstants.enumerated() {
    if let constant, !inner.unreadInputs.contains(index) { wideReads.append((index, try constant.kept(context.control))) }
  }
  let constants = wideReads

  let operandCount = operands.count
  var wideOffsets = [Int?](repeating: nil, count: operandCount)
  var bytes = try alignedUp(MemoryLayout<UnsafeMutableRawPointer>.stride * operandCount, to: Buffer.alignment)
  for (index, type) in operands.enumerated() where isHalf(index) {
    guard let type, index >= inputs.count || wideConstants[index] == nil else { continue }
    wideOffsets[index] = bytes
    bytes = try bytes.adding(try alignedUp(type.count &* 4, to: Buffer.alignment))
  }
  let innerScratch = bytes
  let offsets = wideOffsets

  var stages: [Kernel.Stage] = [
    Kernel.Stage(tasks: 1) { frame, _ in
      let table = frame.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self)
      for index in 0..<operandCount { table[index] = offsets[index].map { frame.scratch + $0 } ?? frame.operand(index) }
      for (index, constant) in constants { table[index] = constant.data }
    }
  ]
  let grain = 16_384
  for (index, type) in inputs.enumerated() {
    guard let type, let offset = offsets[index] else { continue }
    let convert = try conversion(from: type.element, to: .float32)
    stages.append(
      .ranges(type.count, grain: grain) { frame, range in
        convert(frame.operand(index) + range.lowerBound &* 2, frame.scratch + offset + range.lowerBound &* 4, range.count)
      })
  }
  for stage in inner.stages {
    stages.append(
      Kernel.Stage(tasks: stage.tasks) { (frame, task) throws(PinionError) in
        let table = UnsafePointer(frame.scratch.assumingMemoryBound(to: UnsafeMutableRawPointer.self))
        try stage.body(
          frame.with(
            operands: table, inputCount: inputs.count, scratch: frame.scratch + innerScratch, laneScratch: frame.laneScratch), task)
      })
  }
  for (index, type) in context.outputs.enumerated() {
    let operand = inputs.count + index
    guard let offset = offsets[operand] else { continue }
    let convert = try conversion(from: .float32, to: type.element)
    stages.append(
      .ranges(type.count, grain: grain) { frame, range in
        convert(frame.scratch + offset + range.lowerBound &* 4, frame.operand(operand) + range.lowerBound &* 2, range.count)
      })
  }
  var kernel = Kernel(
    stages: stages, scratchBytes: try innerScratch.adding(inner.scratchBytes), laneScratchBytes: inner.laneScratchBytes)
  kernel.unreadInputs = inputs.indices.filter { wideConstants[$0] != nil || inner.unreadInputs.contains($0) }
  return kernel
}

extension Tensor {
  /// The elements of a model's constant in float32, made when somebody asks. A constant has only one such tensor.
  fileprivate func derivedFloat32() throws(PinionError) -> Tensor {
    let convert = try conversion(from: element, to: .float32)
    guard let constant else { throw .internal("the tensor is no constant") }
    return constant.derived("float32", of: self, as: TensorType(.float32, shape)) { convert($0 + 2 &* $2.lowerBound, $1 + 4 &* $2.lowerBound, $2.count) }
  }

  /// The elements in float32: at once where they are few, and otherwise, for a constant, when somebody asks.
  public func inFloat32(allocator: Allocator) throws(PinionError) -> Tensor {
    if constant != nil, byteCount > Constant.leastMadeBytes { return try derivedFloat32() }
    let result = try Tensor(TensorType(.float32, shape), allocator: allocator)
    try conversion(from: element, to: .float32)(data, result.data, count)
    return result
  }
}

/// The kernel that converts elements between two types as ONNX's Cast does.
public func conversion(from source: ElementType, to target: ElementType) throws(PinionError) -> pk_convert_fn {
  guard let source = source.kernelType, let target = target.kernelType, let convert = pk_convert_kernel(pk_isa_best(), source, target)
  else { throw .unsupported("no conversion from \(source) to \(target)") }
  return convert
}

extension ElementType {
  /// The type as the C kernels name it; nil for types they do not compute with.
  public var kernelType: pk_type? {
    switch self {
    case .float32, .uint8, .int8, .uint16, .int16, .int32, .int64, .bool, .float16, .float64, .uint32, .uint64, .bfloat16:
      pk_type(UInt32(bitPattern: rawValue))
    default: nil
    }
  }
}
