import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// (X - mean) / sqrt(variance + epsilon) * scale + B, with mean and variance over one channel of one instance.
public struct InstanceNormalization: CPUExecutable, LikeFirstInput {
  public static let schema = Schema(
    "InstanceNormalization", since: 22, inputs: ["input: T", "scale: T", "B: T"], outputs: ["output: T"], types: ["T": .floats], mixing: ["T"])
  public static var computesHalfInFloat32: Bool { true }
  let epsilon: Float

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    epsilon = try attributes.float("epsilon", default: 1e-5)
    attributes.ignore("consumed_inputs")
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try context.type(0, rankAtLeast: 2)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try groupedKernel(context, groups: try context.type(0).dims[1], epsilon: epsilon, scalesGroups: false)
  }

  public func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}
