import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Which axes a reduction takes away, beyond its input `axes`.
public struct ReductionAttributes: Sendable {
  let keepsAxes: Bool
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
  public static var computesHalfInFloat32: Bool { true }

  public static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < axesInputSince { try node.moveInts("axes", toInput: 1) }
  }

  private func axes(_ context: InferenceContext) throws(PinionError) -> Set<Int> {
    let shape = try context.type(0).shape
    let axes = try context.optionalIntegers(1) ?? []
    guard axes.isEmpty else { return try shape.normalized(axes: axes) }
    return reduction.keepsElementsWithoutAxes ? [] : Set(shape.dims.indices)
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    return [TensorType(type.element, try type.shape.reduced(try axes(context), keepsAxes: reduction.keepsAxes))]
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let groups = AxisGroups(type.shape, axes: try axes(context.inference))
    if let element = type.element.kernelType, let function = pk_reduce_kernel(pk_isa_best(), Self.operation, element),
      let lines = groups.lines
    {
      return lineKernel(function, lines, width: type.element.byteWidth)
    }
    guard let kernel = try kernel(type.element, groups) else { throw context.unsupportedTypes() }
    return kernel
  }
}

/// A kernel that makes one element of each line of input 0.
private func lineKernel(_ function: @escaping pk_reduce_fn, _ lines: AxisLines, width: Int) -> Kernel {
  let extent = lines.extent, inner = lines.inner
  if inner == 1 {
    return .ranges(lines.outer, grain: max(1, 32_768 / extent)) { frame, range in
      let x = frame.rawInput(0) + range.lowerBound &* extent &* width
      function(x, frame.rawOutput(0) + range.lowerBound &* width, range.count, extent, 1, 1)
    }
  }
  let columns = min(inner, 1024), blocks = (inner &- 1) / columns &+ 1
  return .ranges(lines.outer &* blocks, grain: max(1, 32_768 / (extent &* columns))) { frame, range in
    for task in range {
      let block = task / blocks, first = task % blocks &* columns
      let x = frame.rawInput(0) + (block &* extent &* inner &+ first) &* width
      let y = frame.rawOutput(0) + (block &* inner &+ first) &* width
      function(x, y, 1, extent, min(columns, inner &- first), inner)
    }
  }
}
