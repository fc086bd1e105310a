import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// uint8 codes for numbers whose range, widened to include 0, is measured first.
package struct DynamicQuantizeLinear: CPUExecutable {
  package static let schema = Schema(
    "DynamicQuantizeLinear", since: 11, inputs: ["x: float32"], outputs: ["y: uint8", "y_scale: float32", "y_zero_point: uint8"])

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let x = try context.type(0)
    return [TensorType(.uint8, x.shape), TensorType(.float32, .scalar), TensorType(.uint8, .scalar)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: .uint8), Fact(.float32, []), Fact(.uint8, [])] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let count = try context.type(0).count
    let measure = DynamicQuantization(count: count)
    var stages = measure.stages(scratch: 0) { frame, scale, zero in
      frame.output(1, as: Float.self).pointee = scale
      frame.output(2, as: UInt8.self).pointee = UInt8(truncatingIfNeeded: zero)
    }
    stages.append(
      measure.codes(scratch: 0) { frame, range in (frame.output(0, as: UInt8.self) + range.lowerBound) })
    return Kernel(stages: stages, scratchBytes: measure.scratchBytes)
  }
}
