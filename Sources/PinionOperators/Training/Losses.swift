import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// -input at each sample's class, weighted by class and summed or averaged.
package struct NegativeLogLikelihoodLoss: CPUExecutable {
  package static let schema = Schema(
    "NegativeLogLikelihoodLoss", since: 22, inputs: ["input: T", "target: indices", "weight?: T"], outputs: ["loss: T"], types: ["T": .floats],
    mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let loss: ClassLoss
  package init(_ attributes: inout AttributeReader) throws(PinionError) { loss = try ClassLoss(&attributes) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try loss.infer(context)] }

  package func facts(_ context: FactContext) -> [Fact] { [loss.facts(context)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let bytes = try loss.scratchBytes(context)
    switch try context.type(0).element {
    case .float32: return Kernel(stages: try loss.stages(context, Float.self, source: .input(0), scratch: 0), scratchBytes: bytes)
    case .float64: return Kernel(stages: try loss.stages(context, Double.self, source: .input(0), scratch: 0), scratchBytes: bytes)
    default: throw context.unsupportedTypes()
    }
  }
}

/// The negative log-likelihood loss of the logarithmic softmax of scores, which is the second output.
package struct SoftmaxCrossEntropyLoss: CPUExecutable {
  package static let schema = Schema(
    "SoftmaxCrossEntropyLoss", since: 13, inputs: ["scores: T", "labels: indices", "weights?: T"], outputs: ["output: T", "log_prob?: T"],
    types: ["T": .floats], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let loss: ClassLoss
  package init(_ attributes: inout AttributeReader) throws(PinionError) { loss = try ClassLoss(&attributes) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [try loss.infer(context), try context.type(0)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [loss.facts(context), context.like(0)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: return try kernel(context, Float.self)
    case .float64: return try kernel(context, Double.self)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: RealElement>(_ context: KernelContext, _ type: T.Type) throws(PinionError) -> Kernel {
    let scores = try context.type(0)
    let sums = try alignedUp(try loss.scratchBytes(context), to: Buffer.alignment)
    let isWanted = context.wants(output: 1)
    let place: OperandPlace = isWanted ? .output(1) : .scratch(sums)
    guard let function = pk_log_softmax_kernel(pk_isa_best(), T.kernelType) else { throw context.unsupportedTypes() }
    let lines = AxisLines(scores.shape, axis: 1)
    let block = lines.extent &* lines.inner
    let softmax = Kernel.Stage.ranges(block == 0 ? 0 : lines.outer, grain: max(1, 8192 / max(block, 1))) { frame, range in
      let offset = range.lowerBound &* block
      function(
        frame.input(0, as: T.self) + offset, place.pointer(frame, T.self) + offset, range.count, lines.extent, lines.inner, lines.inner)
    }
    return Kernel(
      stages: [softmax] + (try loss.stages(context, T.self, source: place, scratch: 0)),
      scratchBytes: try sums.adding(isWanted ? 0 : scores.byteCount))
  }
}
