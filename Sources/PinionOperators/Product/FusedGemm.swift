import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// activation(alpha · A · B + beta · C), with Gemm's operands.
package struct FusedGemm: CPUExecutable {
  package static let schema = Schema(
    "FusedGemm", domain: "pinion", since: 1, inputs: ["A: T", "B: T", "C?: T"], outputs: ["Y: T"], types: ["T": [.floats, .wideIntegers]])
  package static var computesHalfInFloat32: Bool { true }
  let form: GemmForm
  package let activation: Activation

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    form = try GemmForm(&attributes)
    activation = try Activation(&attributes)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try form.infer(context)] }

  package func facts(_ context: FactContext) -> [Fact] { [form.facts(context)] }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    productOperations(depth: form.transposition.a ? inputs.first??.dims.first : inputs.first??.dims.last, outputs)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try form.makeKernel(activation, context) }
}

/// ONNX Runtime's form of the same, which names each parameter of the activation.
package struct MicrosoftFusedGemm: Operator {
  package static let schema = Schema(
    "FusedGemm", domain: "com.microsoft", since: 1, inputs: ["A: T", "B: T", "C?: T"], outputs: ["Y: T"], types: ["T": [.floats, .wideIntegers]])

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    node.domain = FusedGemm.schema.domain
    var parameters: [Float] = []
    for name in ["activation_alpha", "activation_beta", "activation_gamma"] {
      if case .float(let value)? = node.attributes.removeValue(forKey: name) { parameters.append(value) }
    }
    if !parameters.isEmpty { node.attributes["activation_params"] = .floats(parameters) }
  }

  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try FusedGemm(&attributes) }
}
