import PinionBase
import PinionTensor

/// An operator whose output has the type of its first input, unless it says more.
public protocol LikeFirstInput: Operator {}

extension LikeFirstInput {
  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try context.type(0)] }
  public func facts(_ context: FactContext) -> [Fact] { [context.like(0)] }
}

/// An operator whose output has the extents of all its inputs broadcast together.
public protocol Broadcasting: Operator {
  /// The element type of the output where it is not that of the inputs, which then are of one type.
  static var resultElement: ElementType? { get }
}

extension Broadcasting {
  public static var resultElement: ElementType? { nil }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try broadcastType(context)] }

  /// The type of the output.
  public func broadcastType(_ context: InferenceContext) throws(PinionError) -> TensorType {
    let indices = Array(0..<max(context.inputs.count, Self.schema.inputs.count))
    var shapes: [Shape] = []
    for index in indices { shapes.append(try context.type(index).shape) }
    try context.requireSameElementType(indices)
    let element = try context.type(0).element
    return TensorType(Self.resultElement ?? element, try .broadcast(shapes))
  }

  public func facts(_ context: FactContext) -> [Fact] { [broadcast(context)] }

  /// The output without its values.
  public func broadcast(_ context: FactContext) -> Fact {
    Fact(Self.resultElement ?? context.element(of: context.inputs.indices), context.broadcast())
  }
}
