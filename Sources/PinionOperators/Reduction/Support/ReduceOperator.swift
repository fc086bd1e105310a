import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Which axes a reduction takes away, beyond its input `axes`.
package struct ReductionAttributes: Sendable {
  package let keepsAxes: Bool
  /// Without axes every element is a group of its own; otherwise the whole tensor is one group.
  let keepsElementsWithoutAxes: Bool

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    keepsAxes = try attributes.bool("keepdims", default: true)
    keepsElementsWithoutAxes = try attributes.bool("noop_with_empty_axes")
  }
}

/// An operator that makes one element of each group of elements along the axes in input 1.
protocol ReduceOperator: CPUExecutable {
  /// The opset in which `axes` became an input.
  static var axesInputSince: Int64 { get }
  static var operation: pk_reduce_op { get }
  var reduction: ReductionAttributes { get }
  /// The kernel for what the vector kernels do not cover.
  func kernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel?
}

extension ReduceOperator {
  static var axesInputSince: Int64 { 18 }
  package static var computesHalfInFloat32: Bool { true }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < axesInputSince { try node.moveInts("axes", toInput: 1) }
  }

  private func axes(_ context: InferenceContext) throws(PinionError) -> Set<Int> {
    let shape = try context.type(0).shape
    let axes = try context.optionalIntegers(1) ?? []
    guard axes.isEmpty else { return try shape.normalized(axes: axes) }
    return reduction.keepsElementsWithoutAxes ? [] : Set(shape.dims.indices)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    return [TensorType(type.element, try type.shape.reduced(try axes(context), keepsAxes: reduction.keepsAxes))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [reducedFact(context)] }

  func reducedFact(_ context: FactContext) -> Fact {
    let data = context[0]
    let all = data.dims.map { $0.indices.map { Optional(Int64($0)) } } ?? []
    var axes: [Int64?] = all
    if context.has(1) {
      guard let given = context[1].values else { return Fact(data.element, reduction.keepsAxes ? data.openDims : nil) }
      if !given.isEmpty { axes = given } else if reduction.keepsElementsWithoutAxes { axes = [] }
    } else if reduction.keepsElementsWithoutAxes {
      axes = []
    }
    return Fact(data.element, context.reduced(0, axes: axes, keepsAxes: reduction.keepsAxes))
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let groups = AxisGroups(type.shape, axes: try axes(context.inference))
    if Self.operation == PK_REDUCE_MEAN, let kernel = try integerMeanKernel(type.element, groups) { return kernel }
    if let kernel = try lineKernel(Self.operation, type.element, groups.passes) { return kernel }
    guard let kernel = try kernel(type.element, groups) else { throw context.unsupportedTypes() }
    return kernel
  }
}

/// The sums of integers, then their quotients by the number of elements.
private func integerMeanKernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel? {
  guard element == .int32 || element == .int64, let type = element.kernelType, groups.size > 0, groups.size <= Int(Int32.max),
    let divide = pk_binary_kernel(pk_isa_best(), PK_BINARY_DIV, type), var kernel = try lineKernel(PK_REDUCE_SUM, element, groups.passes)
  else { return nil }
  let isWide = element == .int64, width = element.byteWidth, size = groups.size
  kernel.stages.append(
    .ranges(groups.count, grain: 16_384) { frame, range in
      let y = frame.rawOutput(0) + range.lowerBound &* width
      if isWide {
        withUnsafePointer(to: Int64(size)) { divide(y, $0, y, range.count, Int32(PK_B_SCALAR)) }
      } else {
        withUnsafePointer(to: Int32(truncatingIfNeeded: size)) { divide(y, $0, y, range.count, Int32(PK_B_SCALAR)) }
      }
    })
  return kernel
}

/// A kernel that reduces along one axis after the other; nil where there is no vector kernel for it.
private func lineKernel(_ operation: pk_reduce_op, _ element: ElementType, _ passes: [AxisLines]) throws(PinionError) -> Kernel? {
  guard let type = element.kernelType, !passes.isEmpty else { return nil }
  var stages: [Kernel.Stage] = []
  var source = OperandPlace.input(0), scratchBytes = 0
  for (index, lines) in passes.enumerated() {
    let isLast = index == passes.count - 1
    guard let function = pk_reduce_kernel(pk_isa_best(), operation.pass(isFirst: index == 0, isLast: isLast), type) else { return nil }
    var target = OperandPlace.output(0)
    if !isLast {
      target = .scratch(scratchBytes)
      let bytes = try (lines.outer &* lines.inner).multiplied(by: element.byteWidth)
      scratchBytes = try scratchBytes.adding(try alignedUp(bytes, to: Buffer.alignment))
    }
    stages.append(lineStage(function, lines, width: element.byteWidth, from: source, to: target))
    source = target
  }
  return Kernel(stages: stages, scratchBytes: scratchBytes)
}

extension pk_reduce_op {
  /// The operation for one of several axes, so that all of them together yield `self`.
  fileprivate func pass(isFirst: Bool, isLast: Bool) -> pk_reduce_op {
    switch self {
    case PK_REDUCE_SUM_SQUARE: isFirst ? self : PK_REDUCE_SUM
    case PK_REDUCE_LOG_SUM: isLast ? self : PK_REDUCE_SUM
    // The mean of means, the norm of norms and so on are those of all elements.
    default: self
    }
  }
}

/// A stage that makes one element of each line.
private func lineStage(
  _ function: @escaping pk_reduce_fn, _ lines: AxisLines, width: Int, from source: OperandPlace, to target: OperandPlace
) -> Kernel.Stage {
  let extent = lines.extent, inner = lines.inner
  if inner == 1 {
    return .ranges(lines.outer, grain: max(1, 32_768 / extent)) { frame, range in
      let x = source.pointer(frame, UInt8.self) + range.lowerBound &* extent &* width
      function(x, target.pointer(frame, UInt8.self) + range.lowerBound &* width, range.count, extent, 1, 1)
    }
  }
  // Whole blocks where they are small, else parts of the columns of one.
  if extent &* inner <= 32_768 {
    return .ranges(lines.outer, grain: max(1, 32_768 / (extent &* inner))) { frame, range in
      let x = source.pointer(frame, UInt8.self) + range.lowerBound &* extent &* inner &* width
      function(x, target.pointer(frame, UInt8.self) + range.lowerBound &* inner &* width, range.count, extent, inner, inner)
    }
  }
  let columns = min(inner, 1024), blocks = (inner &- 1) / columns &+ 1
  return .ranges(lines.outer &* blocks, grain: max(1, 32_768 / (extent &* columns))) { frame, range in
    for task in range {
      let block = task / blocks, first = task % blocks &* columns
      let x = source.pointer(frame, UInt8.self) + (block &* extent &* inner &+ first) &* width
      let y = target.pointer(frame, UInt8.self) + (block &* inner &+ first) &* width
      function(x, y, 1, extent, min(columns, inner &- first), inner)
    }
  }
}
