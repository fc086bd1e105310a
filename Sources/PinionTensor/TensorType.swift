/// Element type and shape of a tensor, both known.
public struct TensorType: Sendable, Hashable {
  public var element: ElementType
  public var shape: Shape

  public init(_ element: ElementType, _ shape: Shape) {
    self.element = element
    self.shape = shape
  }

  /// Bytes of a contiguous tensor of this type.
  public var byteCount: Int { shape.count &* element.byteWidth }
  public var count: Int { shape.count }
  public var rank: Int { shape.rank }
  public var dims: [Int] { shape.dims }
  /// `dims` where some might not be known.
  public var extents: [Int?] { shape.dims.map(Optional.some) }
}

extension TensorType: CustomStringConvertible {
  /// As `float32[1,3,224,224]`.
  public var description: String { "\(element)\(shape)" }
}

/// An extent as a model declares it.
public enum Dimension: Sendable, Hashable {
  case known(Int)
  case symbol(String)
  case unknown
}

extension Dimension: CustomStringConvertible {
  public var description: String {
    switch self {
    case .known(let extent): String(extent)
    case .symbol(let name): name
    case .unknown: "?"
    }
  }
}

/// What a model declares a value to be; parts may be open.
public indirect enum ValueType: Sendable, Hashable {
  /// `dims` is nil where the model does not even say the rank.
  case tensor(ElementType, dims: [Dimension]?)
  case sequence(ValueType)
  case optional(ValueType)
  case map(key: ElementType, value: ValueType)

  /// The type of a tensor of which everything is known.
  public init(_ type: TensorType) { self = .tensor(type.element, dims: type.dims.map(Dimension.known)) }
}

extension ValueType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tensor(let element, nil): "\(element)[...]"
    case .tensor(let element, let dims?): "\(element)[\(dims.map(\.description).joined(separator: ","))]"
    case .sequence(let type): "seq(\(type))"
    case .optional(let type): "optional(\(type))"
    case .map(let key, let value): "map(\(key),\(value))"
    }
  }
}
