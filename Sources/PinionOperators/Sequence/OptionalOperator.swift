import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// An optional that holds the input, or nothing where there is none.
public struct OptionalOperator: ValueTyping {
  public static let schema = Schema("Optional", since: 28, inputs: ["input?: all"], outputs: ["output"])
  let type: ValueType?

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    type = try attributes.optionalType("type")
    if let type { _ = try ValueType.optional(type).allowed() }
  }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [((inputs.first ?? nil) ?? type).map(ValueType.optional)] }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    if let value = inputs.first ?? nil {
      if case .none = value { throw PinionError(.invalidValue, "input 'input' is an optional, which no optional holds") }
      return [value]
    }
    guard let type else { throw .invalidModel("attribute 'type' is missing, which a node without input needs") }
    return [.none(type)]
  }
}
