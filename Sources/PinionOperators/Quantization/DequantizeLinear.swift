import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The numbers that codes of few bits stand for: (x - x_zero_point) * x_scale.
package struct DequantizeLinear: CPUExecutable {
  package static let schema = Schema(
    "DequantizeLinear", since: 28, inputs: ["x: T1", "x_scale: U", "x_zero_point?: T1"], outputs: ["y: float32|float16|bfloat16"],
    types: ["T1": [.narrowFloats, .narrowIntegers, .bytes, .int16, .int32, .uint16], "U": [.float32, .float16, .bfloat16, .float8e8m0]])
  package let axis: Int64
  package let blockSize: Int
  let outputType: ElementType?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: 1)
    blockSize = try attributes.int("block_size", default: 0, in: 0...(1 << 46))
    outputType = try attributes.optionalNonzeroElementType("output_dtype")
  }

  private func layout(_ inputs: InferenceContext) throws(PinionError) -> QuantizationLayout {
    try QuantizationLayout(try inputs.type(0).shape, scales: try inputs.type(1).shape, axis: axis, blockSize: blockSize)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let x = try context.type(0), scale = try context.type(1)
    _ = try layout(context)
    _ = try context.zeroPoint(2, scales: 1)
    let element = outputType ?? (scale.element == .float8e8m0 ? .float32 : scale.element)
    guard element == .float32 || element == .float16 || element == .bfloat16 else {
      throw .unsupported("codes cannot be dequantised to \(element)")
    }
    return [TensorType(element, x.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let element = outputType ?? context[1].element.map { $0 == .float8e8m0 ? .float32 : $0 }
    return [Fact(element, context[0].dims)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try dequantizeKernel(try layout(context.inference), context)
  }
}

/// ONNX Runtime's operator of the same name, which had 16- and 4-bit types first.
package struct MicrosoftDequantizeLinear: Operator {
  package static let schema = Schema(
    "DequantizeLinear", domain: "com.microsoft", since: 1, inputs: ["x: T1", "x_scale: T2", "x_zero_point?: T1"], outputs: ["y: T2"],
    types: ["T1": [.narrowFloats, .narrowIntegers, .bytes, .int16, .int32, .uint16], "T2": [.float32, .float16, .bfloat16]])
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.domain = "" }
  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try DequantizeLinear(&attributes) }
}
