import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// activation(alpha · A · B + beta · C), with Gemm's operands.
public struct FusedGemm: CPUExecutable {
  public static let schema = Schema(
    "FusedGemm", domain: "pinion", since: 1, inputs: ["A: T", "B: T", "C?: T"], outputs: ["Y: T"], types: ["T": [.floats, .wideIntegers]])
  public static var computesHalfInFloat32: Bool { true }
  let form: GemmForm
  package let activation: Activation

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    form = try GemmForm(&attributes)
    activation = try Activation(&attributes)
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try form.infer(context)] }

  public func facts(_ context: FactContext) -> [Fact] { [form.facts(context)] }

  public func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    productOperations(depth: form.transposition.a ? inputs.first??.dims.first : inputs.first??.dims.last, outputs)
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try form.makeKernel(activation, context) }
}

/// ONNX Runtime's form of the same, which names each parameter of the activation.
public struct MicrosoftFusedGemm: Operator {
  public static let schema = Schema(
    "FusedGemm", domain: "com.microsoft", since: 1, inputs: ["A: T", "B: T", "C?: T"], outputs: ["Y: T"], types: ["T": [.floats, .wideIntegers]])

  public static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    node.domain = FusedGemm.schema.domain
    var parameters: [Float] = []
    for name in ["activation_alpha", "activation_beta", "activation_gamma"] {
      if case .float(let value)? = node.attributes.removeValue(forKey: name) { parameters.append(value) }
    }
    if !parameters.isEmpty { node.attributes["activation_params"] = .floats(parameters) }
  }

  public init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try FusedGemm(&attributes) }
}
