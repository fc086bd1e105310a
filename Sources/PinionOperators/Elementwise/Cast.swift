import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The elements in another type.
package struct Cast: CastingOperator {
  package static let schema = Schema(
    "Cast", since: 28, inputs: ["input: U"], outputs: ["output: U1"],
    types: ["U": [.numbers, .narrowFloats, .narrowIntegers, .bool, .string], "U1": [.numbers, .narrowFloats, .narrowIntegers, .bool, .string]])
  package let to: ElementType
  let saturate: Bool
  let rounding: NarrowFloat.Rounding

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    to = try attributes.elementType("to")
    saturate = try attributes.bool("saturate", default: true)
    rounding = try attributes.choice("round_mode", default: .up)
  }

  /// Before opset 6 the type was named by a string.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 6, case .string(let name)? = node.attributes["to"] else { return }
    let names: [String: ElementType] = [
      "FLOAT": .float32, "UINT8": .uint8, "INT8": .int8, "UINT16": .uint16, "INT16": .int16, "INT32": .int32, "INT64": .int64,
      "STRING": .string, "BOOL": .bool, "FLOAT16": .float16, "DOUBLE": .float64, "UINT32": .uint32, "UINT64": .uint64,
      "COMPLEX64": .complex64, "COMPLEX128": .complex128,
    ]
    guard let type = names[name.uppercased()] else { throw .invalidModel("attribute 'to' is '\(name)', which is no element type") }
    node.attributes["to"] = .int(Int64(type.rawValue))
  }

  func target(_ context: InferenceContext) throws(PinionError) -> ElementType { to }
  func target(_ context: FactContext) -> ElementType? { to }
  func target(_ inputs: [Tensor?]) throws(PinionError) -> ElementType { to }
  func target(_ inputs: [ValueType?]) -> ElementType? { to }
}

/// The elements of the first input in the type of the second one.
package struct CastLike: CastingOperator {
  package static let schema = Schema(
    "CastLike", since: 25, inputs: ["input: U", "target_type: T2"], outputs: ["output: T2"],
    types: ["T2": [.numbers, .narrowFloats, .narrowIntegers, .bool, .string], "U": [.numbers, .narrowFloats, .narrowIntegers, .bool, .string]])
  package static var typeOnlyInputs: Set<Int> { [1] }
  let saturate: Bool
  let rounding: NarrowFloat.Rounding

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    saturate = try attributes.bool("saturate", default: true)
    rounding = try attributes.choice("round_mode", default: .up)
  }

  func target(_ context: InferenceContext) throws(PinionError) -> ElementType { try context.type(1).element }
  func target(_ context: FactContext) -> ElementType? { context[1].element }

  func target(_ inputs: [Tensor?]) throws(PinionError) -> ElementType {
    guard inputs.count > 1, let like = inputs[1] else { throw .invalidModel("input 'target_type' is missing") }
    return like.element
  }

  func target(_ inputs: [ValueType?]) -> ElementType? { inputs.count > 1 ? inputs[1]?.tensorElement : nil }
}

/// Numbers are converted by a planned kernel; texts are read and written outside a plan.
protocol CastingOperator: CPUExecutable, ValueTyping {
  var saturate: Bool { get }
  var rounding: NarrowFloat.Rounding { get }
  func target(_ context: InferenceContext) throws(PinionError) -> ElementType
  func target(_ context: FactContext) -> ElementType?
  func target(_ inputs: [Tensor?]) throws(PinionError) -> ElementType
  func target(_ inputs: [ValueType?]) -> ElementType?
}

extension CastingOperator {
  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    let target = try target(context)
    guard (type.element == .string) == (target == .string) else { throw .dataDependent }
    return [TensorType(target, type.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let target = target(context)
    // A shape stays one as int64; other numbers may lose something on the way.
    let keepsValues = target == .int64 && (context[0].element == .int64 || context[0].element == .int32 || context[0].element == .bool)
    return [Fact(element: target, dims: context[0].dims, values: keepsValues ? context[0].values : nil)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0), target = try target(context.inference)
    guard type.element != target else { return try copyKernel(context) }
    let convert = try ElementConversion(from: type.element, to: target, saturate: saturate, rounding: rounding)
    let sourceWidth = type.element.byteWidth, targetWidth = target.byteWidth
    return .ranges(type.count, grain: elementwiseGrain) { frame, range in
      convert(
        frame.rawInput(0) + range.lowerBound &* sourceWidth, frame.rawOutput(0) + range.lowerBound &* targetWidth, range.count)
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    guard let type = context.optionalType(0), let target = try? target(context.inference), type.element == target else { return [] }
    return [.within(input: 0, offset: 0)]
  }

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    [target(inputs).map { .tensor($0, dims: inputs.first??.dims) }]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    var tensors: [Tensor?] = []
    for input in inputs { tensors.append(try input?.asTensor()) }
    guard let input = tensors.first ?? nil else { throw .invalidModel("input 'input' is missing") }
    let target = try target(tensors)
    if input.element == target { return [.tensor(input)] }
    if target == .string {
      return [.tensor(try texts(of: input, context))]
    }
    let output = try context.allocate(TensorType(target, input.shape))
    if input.element == .string {
      try parse(input, into: output, saturate: saturate, rounding: rounding, context)
    } else {
      let convert = try ElementConversion(from: input.element, to: target, saturate: saturate, rounding: rounding)
      try inPieces(of: 1 << 16, input.count, context.control) { range in
        convert(
          input.data + range.lowerBound &* input.element.byteWidth, output.data + range.lowerBound &* target.byteWidth, range.count)
      }
    }
    return [.tensor(output)]
  }
}
