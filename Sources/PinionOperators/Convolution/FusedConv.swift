import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// activation(Conv(X, W, B) + Z), where Z has the shape of the result.
package struct FusedConv: CPUExecutable {
  package static let schema = Schema(
    "FusedConv", domain: "pinion", since: 1, inputs: ["X: T", "W: T", "B?: T", "Z?: T"], outputs: ["Y: T"], types: ["T": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let form: ConvForm
  package let activation: Activation

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    form = try ConvForm(&attributes)
    activation = try Activation(&attributes)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let x = try context.type(0)
    let result = try form.infer(x, try context.type(1), bias: context.optionalType(2), element: x.element, mayBeEmpty: true)
    if let z = context.optionalType(3), z != result { throw .invalidShape("input 'Z' is \(z), expected \(result) like the result") }
    return [result]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [form.facts(x: context[0], w: context[1], element: context.element(of: 0..<2), context.symbols)]
  }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    convolutionOperations(weights: inputs.count > 1 ? inputs[1] : nil, outputs)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let x = try context.type(0)
    guard x.element == .float32 else { throw context.unsupportedTypes() }
    let operands = ConvolutionOperands(
      bias: context.has(2) ? 2 : nil, residual: context.has(3) ? 3 : nil, activation: activation)
    return try floatConvolutionKernel(try form.shape(x, try context.type(1), mayBeEmpty: true), operands, context)
  }

  // The residual cannot lie where the result does: a deep product stores its first part before the last one adds the residual.
}

/// ONNX Runtime's form of the same.
package struct MicrosoftFusedConv: Operator {
  package static let schema = Schema(
    "FusedConv", domain: "com.microsoft", since: 1, inputs: ["X: T", "W: T", "B?: T", "Z?: T"], outputs: ["Y: T"], types: ["T": .floats])
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.domain = FusedConv.schema.domain }
  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try FusedConv(&attributes) }
}
