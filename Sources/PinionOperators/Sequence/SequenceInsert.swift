import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The sequence with one more element at a position, at the end where none is given.
public struct SequenceInsert: ValueTyping {
  public static let schema = Schema(
    "SequenceInsert", since: 11, inputs: ["input_sequence", "tensor: all", "position?: indices"], outputs: ["output_sequence"])
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    guard inputs.count > 1, let element = inputs[0]?.elementOfSequence, let inserted = inputs[1] else { return [nil] }
    return [element.common(with: inserted).map(ValueType.sequence)]
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    var (elements, type) = try sequence(try required(inputs, 0, "input_sequence"), "input_sequence")
    let element = try required(inputs, 1, "tensor")
    guard try element.typeAsElement().hasKind(of: type) else {
      throw .invalidShape("input 'tensor' is \(element.type), the sequence holds \(type)")
    }
    let position = try position(inputs, 2, count: elements.count + 1, length: elements.count) ?? elements.count
    elements.insert(try element.kept(context), at: position)
    return [.sequence(elements, element: type)]
  }
}
