import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// -input at each sample's class, weighted by class and summed or averaged.
public struct NegativeLogLikelihoodLoss: CPUExecutable {
  public static let schema = Schema(
    "NegativeLogLikelihoodLoss", since: 22, inputs: ["input: T", "target: indices", "weight?: T"], outputs: ["loss: T"], types: ["T": .floats],
    mixing: ["T"])
  public static var computesHalfInFloat32: Bool { true }
  let loss: ClassLoss
  public init(_ attributes: inout AttributeReader) throws(PinionError) { loss = try ClassLoss(&attributes) }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try loss.infer(context)] }

  public func facts(_ context: FactContext) -> [Fact] { [loss.facts(context)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let bytes = try loss.scratchBytes(context)
    switch try context.type(0).element {
    case .float32: return Kernel(stages: try loss.stages(context, Float.self, source: .input(0), scratch: 0), scratchBytes: bytes)
    case .float64: return Kernel(stages: try loss.stages(context, Double.self, source: .input(0), scratch: 0), scratchBytes: bytes)
    default: throw context.unsupportedTypes()
    }
  }
}
