import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The number of a sequence's elements.
public struct SequenceLength: ValueTyping {
  public static let schema = Schema("SequenceLength", since: 11, inputs: ["input_sequence"], outputs: ["length: int64"])
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func facts(_ context: FactContext) -> [Fact] { [Fact(.int64, [])] }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [.tensor(.int64, dims: [])] }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (elements, _) = try sequence(try required(inputs, 0, "input_sequence"), "input_sequence")
    return [.tensor(try Tensor(scalar: Int64(elements.count)))]
  }
}
