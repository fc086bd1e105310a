import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Whether an optional holds a value; false where the input is left out, true for any tensor or sequence.
public struct OptionalHasElement: ShapeReading, ValueTyping {
  public static let schema = Schema("OptionalHasElement", since: 28, inputs: ["input?: all"], outputs: ["output: bool"])
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func read(_ input: TensorType) throws(PinionError) -> Tensor { try Tensor(scalar: true) }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [.tensor(.bool, dims: [])] }

  public func facts(_ context: FactContext) -> [Fact] { [Fact(.bool, [])] }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let hasElement =
      switch inputs.first ?? nil {
      case nil, .some(.none): false
      default: true
      }
    return [.tensor(try Tensor(scalar: hasElement))]
  }
}
