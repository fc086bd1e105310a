import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// A sequence of tensors without elements.
public struct SequenceEmpty: ValueTyping {
  public static let schema = Schema("SequenceEmpty", since: 11, inputs: [], outputs: ["output"])
  let element: ElementType

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("dtype", default: .float32)
  }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [.sequence(.tensor(element, dims: nil))] }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    [.sequence([], element: .tensor(element, dims: nil))]
  }
}
