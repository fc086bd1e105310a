import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The element of a sequence at a position, which counts from the end where it is negative.
public struct SequenceAt: ValueTyping {
  public static let schema = Schema("SequenceAt", since: 11, inputs: ["input_sequence", "position: indices"], outputs: ["tensor: all"])
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [inputs.first??.elementOfSequence] }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (elements, _) = try sequence(try required(inputs, 0, "input_sequence"), "input_sequence")
    guard let position = try position(inputs, 1, count: elements.count, length: elements.count) else {
      throw .invalidModel("input 'position' is missing")
    }
    return [elements[position]]
  }
}
