import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Each line along an axis divided by its norm, 0 where that is 0.
package struct LpNormalization: CPUExecutable, LikeFirstInput {
  package static let schema = Schema("LpNormalization", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let axis: Int64
  let order: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -1)
    order = try attributes.int("p", default: 2, in: 1...2)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    _ = try type.shape.normalized(axis: axis)
    return [type]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let lines = AxisLines(type.shape, axis: try type.shape.normalized(axis: axis))
    guard let element = type.element.kernelType, let function = pk_lp_normalize_kernel(pk_isa_best(), element) else {
      throw context.unsupportedTypes()
    }
    let size = lines.extent &* lines.inner, width = type.element.byteWidth, order = Int32(truncatingIfNeeded: order)
    return .ranges(size == 0 ? 0 : lines.outer, grain: max(1, 16_384 / max(size, 1))) { frame, range in
      let offset = range.lowerBound &* size &* width
      function(frame.rawInput(0) + offset, frame.rawOutput(0) + offset, range.count, lines.extent, lines.inner, lines.inner, order)
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}
