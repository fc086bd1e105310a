import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// An optional that holds the input, or nothing where there is none.
package struct OptionalOperator: EagerExecutable, ValueTyping {
  package static let schema = Schema("Optional", since: 28, inputs: ["input?: all"], outputs: ["output"])
  let type: ValueType?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    type = try attributes.optionalType("type")
    if let type { _ = try ValueType.optional(type).allowed() }
  }

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [((inputs.first ?? nil) ?? type).map(ValueType.optional)] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    if let value = inputs.first ?? nil {
      if case .none = value { throw PinionError(.invalidValue, "input 'input' is an optional, which no optional holds") }
      return [value]
    }
    guard let type else { throw .invalidModel("attribute 'type' is missing, which a node without input needs") }
    return [.none(type)]
  }
}

/// Whether an optional holds a value; false where the input is left out, true for any tensor or sequence.
package struct OptionalHasElement: ShapeReading, EagerExecutable {
  package static let schema = Schema("OptionalHasElement", since: 28, inputs: ["input?: all"], outputs: ["output: bool"])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func read(_ input: TensorType) throws(PinionError) -> Tensor { try Tensor(scalar: true) }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.bool, [])] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let hasElement =
      switch inputs.first ?? nil {
      case nil, .some(.none): false
      default: true
      }
    return [.tensor(try Tensor(scalar: hasElement))]
  }
}

/// The value that an optional holds; a tensor or sequence is returned as it is.
package struct OptionalGetElement: CPUExecutable, EagerExecutable, LikeFirstInput, ValueTyping {
  package static let schema = Schema("OptionalGetElement", since: 28, inputs: ["input: all"], outputs: ["output: all"])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try copyKernel(context) }
  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.within(input: 0, offset: 0)] }

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    guard case .optional(let content)? = inputs.first ?? nil else { return [inputs.first ?? nil] }
    return [content]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let value = try required(inputs, 0, "input")
    if case .none = value { throw .invalidValue("the optional holds no value") }
    return [value]
  }
}
