import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Codes of few bits for the numbers `x`: saturate(x / y_scale + y_zero_point), rounded to even.
package struct QuantizeLinear: CPUExecutable {
  package static let schema = Schema(
    "QuantizeLinear", since: 28, inputs: ["x: floats|int32", "y_scale: floats|int32|float8e8m0", "y_zero_point?: T3"], outputs: ["y: T3"],
    types: ["T3": [.narrowFloats, .narrowIntegers, .bytes, .int16, .uint16]])
  package let axis: Int64
  package let blockSize: Int
  let saturate: Bool
  let precision: ElementType?
  let outputType: ElementType?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: 1)
    blockSize = try attributes.int("block_size", default: 0, in: 0...(1 << 46))
    saturate = try attributes.bool("saturate", default: true)
    precision = try attributes.optionalNonzeroElementType("precision")
    outputType = try attributes.optionalNonzeroElementType("output_dtype")
  }

  private func layout(_ inputs: InferenceContext) throws(PinionError) -> QuantizationLayout {
    try QuantizationLayout(try inputs.type(0).shape, scales: try inputs.type(1).shape, axis: axis, blockSize: blockSize)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let x = try context.type(0)
    _ = try layout(context)
    let zero = try context.zeroPoint(2, scales: 1)
    let element = zero?.element ?? outputType ?? .uint8
    guard outputType == nil || outputType == element else {
      throw .invalidShape("input 'y_zero_point' is \(element), attribute 'output_dtype' says \(outputType ?? element)")
    }
    guard element.codeRange != nil || element.isNarrowFloat else { throw .unsupported("numbers cannot be quantised to \(element)") }
    return [TensorType(element, x.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(context.has(2) ? context[2].element : outputType ?? .uint8, context[0].dims)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let scale = try context.type(1).element
    let natural: ElementType = scale == .float16 || scale == .bfloat16 ? scale : .float32
    return try quantizeKernel(try layout(context.inference), precision: precision ?? natural, saturate: saturate, context)
  }
}

extension AttributeReader {
  /// An element type, for which 0 says the same as no attribute.
  mutating func optionalNonzeroElementType(_ name: String) throws(PinionError) -> ElementType? {
    let type = try optionalInt(name)
    guard let type, type != 0 else { return nil }
    return try elementType(name)
  }
}

extension InferenceContext {
  /// The type of a zero point, which has as many elements as the scales it goes with.
  func zeroPoint(_ index: Int, scales: Int) throws(PinionError) -> TensorType? {
    guard let zero = optionalType(index) else { return nil }
    let scale = try type(scales)
    guard zero.count == scale.count else { throw .invalidShape("zero point \(zero) with scale \(scale), expected the same shape") }
    return zero
  }
}

/// ONNX Runtime's operator of the same name, which had 16- and 4-bit types first.
package struct MicrosoftQuantizeLinear: Operator {
  package static let schema = Schema(
    "QuantizeLinear", domain: "com.microsoft", since: 1, inputs: ["x: floats|int32", "y_scale: floats", "y_zero_point?: T2"], outputs: ["y: T2"],
    types: ["T2": [.narrowFloats, .narrowIntegers, .bytes, .int16, .uint16]])
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.domain = "" }
  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try QuantizeLinear(&attributes) }
}
