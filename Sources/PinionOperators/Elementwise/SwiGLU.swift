import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A / (1 + exp(-alpha * A)) * B, elementwise for operands of one shape.
package struct SwiGLU: CPUExecutable, LikeFirstInput {
  package static let schema = Schema("SwiGLU", since: 28, inputs: ["A: T", "B: T"], outputs: ["Y: T"], types: ["T": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let alpha: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) { alpha = try attributes.float("alpha", default: 1) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let a = try context.type(0), b = try context.type(1)
    guard a == b else { throw .invalidShape("inputs 'A' \(a) and 'B' \(b) differ") }
    return [a]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    guard let kernelType = type.element.kernelType, let swish = pk_unary_kernel(pk_isa_best(), PK_UNARY_SWISH, kernelType),
      let multiply = pk_binary_kernel(pk_isa_best(), PK_BINARY_MUL, kernelType)
    else { throw context.unsupportedTypes() }
    let width = type.element.byteWidth
    let strip = 512
    let parameters = pk_params(Double(alpha))
    return .ranges(type.count, grain: elementwiseGrain, laneScratchBytes: strip * width) { frame, range in
      var start = range.lowerBound
      while start < range.upperBound {
        let count = min(strip, range.upperBound &- start), offset = start &* width
        withUnsafePointer(to: parameters) { swish(frame.rawInput(0) + offset, frame.laneScratch, count, $0) }
        multiply(frame.laneScratch, frame.rawInput(1) + offset, frame.rawOutput(0) + offset, count, 0)
        start &+= count
      }
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0, 1])] }
}
