import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The sequence without the element at a position, without the last where none is given.
public struct SequenceErase: ValueTyping {
  public static let schema = Schema("SequenceErase", since: 11, inputs: ["input_sequence", "position?: indices"], outputs: ["output_sequence"])
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [inputs.first ?? nil] }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    var (elements, type) = try sequence(try required(inputs, 0, "input_sequence"), "input_sequence")
    guard !elements.isEmpty else { throw .invalidValue("the sequence is empty") }
    elements.remove(at: try position(inputs, 1, count: elements.count, length: elements.count) ?? elements.count - 1)
    return [.sequence(elements, element: type)]
  }
}
