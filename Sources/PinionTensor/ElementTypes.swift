/// A set of element types.
public struct ElementTypes: OptionSet, Sendable, Hashable {
  /// One bit for each type, at the place of its raw value.
  public let rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
  @inlinable public init(_ type: ElementType) { rawValue = 1 &<< UInt32(truncatingIfNeeded: type.rawValue) }

  @inlinable public func contains(_ type: ElementType) -> Bool { rawValue & ElementTypes(type).rawValue != 0 }

  /// The types, in the order of ONNX's numbers.
  public var types: [ElementType] { ElementType.allCases.filter { contains($0) } }

  /// The only type of the set; nil where there are none or several.
  public var only: ElementType? {
    guard rawValue != 0, rawValue & (rawValue &- 1) == 0 else { return nil }
    return ElementType(rawValue: Int32(truncatingIfNeeded: rawValue.trailingZeroBitCount))
  }
}

extension ElementTypes {
  public static let float32 = ElementTypes(ElementType.float32)
  public static let float64 = ElementTypes(ElementType.float64)
  public static let float16 = ElementTypes(ElementType.float16)
  public static let bfloat16 = ElementTypes(ElementType.bfloat16)
  public static let int8 = ElementTypes(ElementType.int8)
  public static let int16 = ElementTypes(ElementType.int16)
  public static let int32 = ElementTypes(ElementType.int32)
  public static let int64 = ElementTypes(ElementType.int64)
  public static let uint8 = ElementTypes(ElementType.uint8)
  public static let uint16 = ElementTypes(ElementType.uint16)
  public static let uint32 = ElementTypes(ElementType.uint32)
  public static let uint64 = ElementTypes(ElementType.uint64)
  public static let bool = ElementTypes(ElementType.bool)
  public static let string = ElementTypes(ElementType.string)
  public static let float8e8m0 = ElementTypes(ElementType.float8e8m0)
  public static let float4e2m1 = ElementTypes(ElementType.float4e2m1)
  public static let int4 = ElementTypes(ElementType.int4)
  public static let uint4 = ElementTypes(ElementType.uint4)
  public static let complex: ElementTypes = [ElementTypes(ElementType.complex64), ElementTypes(ElementType.complex128)]

  /// The floating-point types that are computed with.
  public static let floats: ElementTypes = [.float16, .bfloat16, .float32, .float64]
  public static let signedIntegers: ElementTypes = [.int8, .int16, .int32, .int64]
  public static let unsignedIntegers: ElementTypes = [.uint8, .uint16, .uint32, .uint64]
  /// The integers of whole bytes.
  public static let integers: ElementTypes = [.signedIntegers, .unsignedIntegers]
  /// The integers of at least 32 bits.
  public static let wideIntegers: ElementTypes = [.int32, .int64, .uint32, .uint64]
  /// What arithmetic is done with.
  public static let numbers: ElementTypes = [.integers, .floats]
  /// The types of axes, extents and positions.
  public static let indices: ElementTypes = [.int32, .int64]
  /// The types of 8-bit codes.
  public static let bytes: ElementTypes = [.int8, .uint8]
  /// The integers below a byte.
  public static let narrowIntegers: ElementTypes = [
    .int4, .uint4, ElementTypes(ElementType.int2), ElementTypes(ElementType.uint2),
  ]
  /// The 8-bit floating-point types that have a sign and a mantissa.
  public static let float8s: ElementTypes = [
    ElementTypes(ElementType.float8e4m3fn), ElementTypes(ElementType.float8e4m3fnuz), ElementTypes(ElementType.float8e5m2),
    ElementTypes(ElementType.float8e5m2fnuz),
  ]
  public static let narrowFloats: ElementTypes = [.float8s, .float8e8m0, .float4e2m1]
  public static let all: ElementTypes = [.numbers, .bool, .string, .complex, .narrowIntegers, .narrowFloats]

  /// A set by the name that an operator's schema gives it: a type's own name or that of a set above.
  public init?(name: some StringProtocol) {
    switch name {
    case "all": self = .all
    case "numbers": self = .numbers
    case "floats": self = .floats
    case "integers": self = .integers
    case "indices": self = .indices
    case "bytes": self = .bytes
    default:
      guard let type = ElementType(name: String(name)) else { return nil }
      self.init(type)
    }
  }
}

extension ElementTypes: CustomStringConvertible {
  /// `float32, float16 or float64`.
  public var description: String {
    let names = types.map(\.description)
    guard let last = names.last, names.count > 1 else { return names.last ?? "none" }
    return names.dropLast().joined(separator: ", ") + " or " + last
  }
}
