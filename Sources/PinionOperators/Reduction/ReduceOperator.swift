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
  var reduction: ReductionAttributes { get }
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
    guard let kernel = try kernel(type.element, groups) else { throw context.unsupportedTypes() }
    return kernel
  }
}
