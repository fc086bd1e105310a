import PinionGraph
import PinionTensor

/// An operator that runs outside a plan and can say something about its outputs before: it takes or gives values that are no tensors,
/// or the elements decide extents.
public protocol ValueTyping: EagerExecutable {
  /// What is known of the outputs; nil where that is nothing.
  /// - Parameter inputs: the types of the node's own inputs, nil for absent and unknown ones.
  func outputTypes(inputs: [ValueType?]) -> [ValueType?]
}

extension ValueType {
  /// What holds for values of either type; nil where they are of different kinds.
  public func common(with other: ValueType) -> ValueType? {
    switch (self, other) {
    case (.tensor(let element, let dims), .tensor(let otherElement, let otherDims)) where element == otherElement:
      guard let dims, let otherDims, dims.count == otherDims.count else { return .tensor(element, dims: nil) }
      return .tensor(element, dims: zip(dims, otherDims).map { $0 == $1 ? $0 : .unknown })
    case (.sequence(let element), .sequence(let otherElement)): return element.common(with: otherElement).map(ValueType.sequence)
    default: return self == other ? self : nil
    }
  }

  /// The type of a sequence's elements; nil for other types.
  public var elementOfSequence: ValueType? { if case .sequence(let element) = self { element } else { nil } }

  /// The extents of a tensor; nil for other types and an open rank.
  public var dims: [Dimension]? { if case .tensor(_, let dims) = self { dims } else { nil } }

  /// The element type of a tensor; nil for other types.
  public var tensorElement: ElementType? { if case .tensor(let element, _) = self { element } else { nil } }
}

extension [Dimension] {
  /// The position of an axis, which counts from the end where it is negative; nil where there is none.
  public func position(ofAxis axis: Int64) -> Int? {
    guard let axis = Int(exactly: axis) else { return nil }
    let position = axis < 0 ? axis &+ count : axis
    return indices.contains(position) ? position : nil
  }

  /// The extents with one of them open; nil where there is no such axis.
  public func opened(axis: Int64) -> [Dimension]? {
    guard let position = position(ofAxis: axis) else { return nil }
    var dims = self
    dims[position] = .unknown
    return dims
  }
}

extension Value {
  /// The type with all that the value tells: the elements of a sequence have the extents that all of them share.
  public var fullType: ValueType {
    guard case .sequence(let values, let element) = self, let first = values.first else { return type }
    var common: ValueType? = first.fullType
    for value in values.dropFirst() { common = common?.common(with: value.fullType) }
    return .sequence(common ?? element)
  }
}
