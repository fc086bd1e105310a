/// A set of element types.
package struct ElementTypes: OptionSet, Sendable, Hashable {
  /// One bit for each type, at the place of its raw value.
  package let rawValue: UInt32
  @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }
  @inlinable package init(_ type: ElementType) { rawValue = 1 &<< UInt32(truncatingIfNeeded: type.rawValue) }

  @inlinable package func contains(_ type: ElementType) -> Bool { rawValue & ElementTypes(type).rawValue != 0 }

  /// The types, in the order of ONNX's numbers.
  package var types: [ElementType] { ElementType.allCases.filter { contains($0) } }

  /// The only type of the set; nil where there are none or several.
  package var only: ElementType? {
    guard rawValue != 0, rawValue & (rawValue &- 1) == 0 else { return nil }
    return ElementType(rawValue: Int32(truncatingIfNeeded: rawValue.trailingZeroBitCount))
  }
}

extension ElementTypes {
  package static let float32 = ElementTypes(ElementType.float32)
  package static let float64 = ElementTypes(ElementType.float64)
  package static let float16 = ElementTypes(ElementType.float16)
  package static let bfloat16 = ElementTypes(ElementType.bfloat16)
  package static let int8 = ElementTypes(ElementType.int8)
  package static let int16 = ElementTypes(ElementType.int16)
  package static let int32 = ElementTypes(ElementType.int32)
  package static let int64 = ElementTypes(ElementType.int64)
  package static let uint8 = ElementTypes(ElementType.uint8)
  package static let uint16 = ElementTypes(ElementType.uint16)
  package static let uint32 = ElementTypes(ElementType.uint32)
  package static let uint64 = ElementTypes(ElementType.uint64)
  package static let bool = ElementTypes(ElementType.bool)
  package static let string = ElementTypes(ElementType.string)
  package static let float8e8m0 = ElementTypes(ElementType.float8e8m0)
  package static let float4e2m1 = ElementTypes(ElementType.float4e2m1)
  package static let int4 = ElementTypes(ElementType.int4)
  package static let uint4 = ElementTypes(ElementType.uint4)
  package static let complex: ElementTypes = [ElementTypes(ElementType.complex64), ElementTypes(ElementType.complex128)]

  /// The floating-point types that are computed with.
  package static let floats: ElementTypes = [.float16, .bfloat16, .float32, .float64]
  package static let signedIntegers: ElementTypes = [.int8, .int16, .int32, .int64]
  package static let unsignedIntegers: ElementTypes = [.uint8, .uint16, .uint32, .uint64]
  /// The integers of whole bytes.
  package static let integers: ElementTypes = [.signedIntegers, .unsignedIntegers]
  /// The integers of at least 32 bits.
  package static let wideIntegers: ElementTypes = [.int32, .int64, .uint32, .uint64]
  /// What arithmetic is done with.
  package static let numbers: ElementTypes = [.integers, .floats]
  /// The types of axes, extents and positions.
  package static let indices: ElementTypes = [.int32, .int64]
  /// The types of 8-bit codes.
  package static let bytes: ElementTypes = [.int8, .uint8]
  /// The integers below a byte.
  package static let narrowIntegers: ElementTypes = [
    .int4, .uint4, ElementTypes(ElementType.int2), ElementTypes(ElementType.uint2),
  ]
  /// The 8-bit floating-point types that have a sign and a mantissa.
  package static let float8s: ElementTypes = [
    ElementTypes(ElementType.float8e4m3fn), ElementTypes(ElementType.float8e4m3fnuz), ElementTypes(ElementType.float8e5m2),
    ElementTypes(ElementType.float8e5m2fnuz),
  ]
  package static let narrowFloats: ElementTypes = [.float8s, .float8e8m0, .float4e2m1]
  package static let all: ElementTypes = [.numbers, .bool, .string, .complex, .narrowIntegers, .narrowFloats]

  /// A set by the name that an operator's schema gives it: a type's own name or that of a set above.
  package init?(name: some StringProtocol) {
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
  package var description: String {
    let names = types.map(\.description)
    guard let last = names.last, names.count > 1 else { return names.last ?? "none" }
    return names.dropLast().joined(separator: ", ") + " or " + last
  }
}
