import PinionBase

/// What flows along an edge of a graph while it runs.
public enum Value: Sendable {
  case tensor(Tensor)
  /// All elements have the type `element`, which an empty sequence has as well.
  case sequence([Value], element: ValueType)
  /// An optional without a value; one with a value is that value.
  case none(ValueType)
  /// A dictionary from `keys` (int64 or string vector) to the elements of `values`.
  indirect case map(keys: Tensor, values: Tensor)

  /// The tensor, or an error that says what was found.
  public func asTensor() throws(PinionError) -> Tensor {
    guard case .tensor(let tensor) = self else { throw .invalidShape("expected a tensor, found \(shownType)") }
    return tensor
  }

  public func asSequence() throws(PinionError) -> [Value] {
    guard case .sequence(let values, _) = self else { throw .invalidShape("expected a sequence, found \(shownType)") }
    return values
  }

  /// Keys and values of a map.
  public func asMap() throws(PinionError) -> (keys: Tensor, values: Tensor) {
    guard case .map(let keys, let values) = self else { throw .invalidShape("expected a map, found \(shownType)") }
    return (keys, values)
  }

  /// The type as messages call it: of an optional without a value nobody has said more.
  public var shownType: String { if case .none = self { "an empty optional" } else { type.description } }

  public var type: ValueType {
    switch self {
    case .tensor(let tensor): ValueType(tensor.type)
    case .sequence(_, let element): .sequence(element)
    case .none(let type): .optional(type)
    case .map(let keys, let values): .map(key: keys.element, value: .tensor(values.element, dims: []))
    }
  }
}
