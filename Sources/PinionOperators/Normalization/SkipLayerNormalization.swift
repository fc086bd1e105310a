import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// LayerNormalization of input + skip + bias over the last axis.
package struct SkipLayerNormalization: CPUExecutable {
  package static let schema = Schema(
    "SkipLayerNormalization", domain: "com.microsoft", since: 1, inputs: ["input: T", "skip: T", "gamma: T", "beta?: T", "bias?: T"],
    outputs: ["output: T", "mean?: float32", "inv_std_var?: float32", "input_skip_bias_sum?: T"], types: ["T": .floats], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let skip: SkipNormalization

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    let epsilon = try attributes.float("epsilon", default: 1e-12)
    skip = SkipNormalization(normalization: RowNormalization(epsilon: Double(epsilon), centers: true), beta: 3, bias: 4)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { try skip.infer(context) }

  package func facts(_ context: FactContext) -> [Fact] { skip.facts(context) }
  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try skip.kernel(context) }
}

/// RMSNormalization of input + skip + bias over the last axis.
package struct SkipSimplifiedLayerNormalization: CPUExecutable {
  package static let schema = Schema(
    "SkipSimplifiedLayerNormalization", domain: "com.microsoft", since: 1, inputs: ["input: T", "skip: T", "gamma: T", "bias?: T"],
    outputs: ["output: T", "mean?: float32", "inv_std_var?: float32", "input_skip_bias_sum?: T"], types: ["T": .floats], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let skip: SkipNormalization

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    let epsilon = try attributes.float("epsilon", default: 1e-12)
    skip = SkipNormalization(normalization: RowNormalization(epsilon: Double(epsilon), centers: false), beta: nil, bias: 3)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { try skip.infer(context) }

  package func facts(_ context: FactContext) -> [Fact] { skip.facts(context) }
  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try skip.kernel(context) }
}
