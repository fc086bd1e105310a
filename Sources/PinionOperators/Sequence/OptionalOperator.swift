import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// An optional that holds the input, or nothing where there is none.
public struct OptionalOperator: EagerExecutable {
  public static let schema = Schema("Optional", since: 28, inputs: ["input?"], outputs: ["output"])
  let type: ValueType?

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    type = try attributes.optionalType("type")
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    if let value = inputs.first ?? nil { return [value] }
    guard let type else { throw .invalidModel("attribute 'type' is missing, which a node without input needs") }
    return [.none(type)]
  }
}
