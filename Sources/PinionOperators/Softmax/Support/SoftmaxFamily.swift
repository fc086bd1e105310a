import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Softmax, LogSoftmax and Hardmax: operators on the lines of a tensor along an axis.
protocol SoftmaxOperator: CPUExecutable, LikeFirstInput {
  var along: SoftmaxAxis { get }
}

package struct SoftmaxAxis: Sendable {
  package let axis: Int64
  /// Before opset 13 a line ran over all axes from `axis` on.
  let takesAllFollowing: Bool

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -1)
    takesAllFollowing = try attributes.bool("pinion_takes_all_following")
  }

  init(axis: Int64, takesAllFollowing: Bool) {
    self.axis = axis
    self.takesAllFollowing = takesAllFollowing
  }

  func lines(_ shape: Shape) throws(PinionError) -> AxisLines {
    guard shape.rank > 0 else { return AxisLines(outer: 1, extent: 1, inner: 1) }
    // Flattening may split behind the last axis as well.
    if takesAllFollowing, axis == Int64(shape.rank) { return AxisLines(outer: shape.count, extent: 1, inner: 1) }
    let axis = try shape.normalized(axis: axis)
    guard takesAllFollowing else { return AxisLines(shape, axis: axis) }
    return AxisLines(outer: shape.count(0..<axis), extent: shape.count(axis..<shape.rank), inner: 1)
  }
}

extension SoftmaxOperator {
  package static var computesHalfInFloat32: Bool { true }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 13 else { return }
    if node.attributes["axis"] == nil { node.attributes["axis"] = .int(1) }
    // Only the last axis follows itself: the forms agree.
    if node.attributes["axis"] != .int(-1) { node.attributes["pinion_takes_all_following"] = .int(1) }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    _ = try lines(type.shape)
    return [type]
  }

  func lines(_ shape: Shape) throws(PinionError) -> AxisLines { try along.lines(shape) }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}

/// A kernel for exp(x) / sum(exp(x)) along lines, or its logarithm.
func softmaxKernel(_ context: KernelContext, _ lines: AxisLines, logarithm: Bool) throws(PinionError) -> Kernel {
  let type = try context.type(0), isa = pk_isa_best()
  guard let element = type.element.kernelType,
    let function = logarithm ? pk_log_softmax_kernel(isa, element) : pk_softmax_kernel(isa, element)
  else { throw context.unsupportedTypes() }
  let extent = lines.extent, inner = lines.inner, width = type.element.byteWidth
  guard extent > 0, inner > 0 else { return Kernel(stages: []) }
  // Lines side by side are worked on together, `columns` of them.
  let columns = min(inner, 256), blocks = (inner &- 1) / columns &+ 1
  return .ranges(lines.outer &* blocks, grain: max(1, 8192 / (extent &* columns))) { frame, range in
    if inner == 1 {
      let offset = range.lowerBound &* extent &* width
      function(frame.rawInput(0) + offset, frame.rawOutput(0) + offset, range.count, extent, 1, 1)
      return
    }
    for task in range {
      let first = task % blocks &* columns
      let offset = (task / blocks &* extent &* inner &+ first) &* width
      function(frame.rawInput(0) + offset, frame.rawOutput(0) + offset, 1, extent, min(columns, inner &- first), inner)
    }
  }
}
