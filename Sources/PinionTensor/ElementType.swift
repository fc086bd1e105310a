/// The type of a tensor's elements. The raw values are those of ONNX's TensorProto.DataType.
public enum ElementType: Int32, Sendable, CaseIterable, Hashable {
  case float32 = 1
  case uint8 = 2
  case int8 = 3
  case uint16 = 4
  case int16 = 5
  case int32 = 6
  case int64 = 7
  case string = 8
  case bool = 9
  case float16 = 10
  case float64 = 11
  case uint32 = 12
  case uint64 = 13
  case complex64 = 14
  case complex128 = 15
  case bfloat16 = 16
  case float8e4m3fn = 17
  case float8e4m3fnuz = 18
  case float8e5m2 = 19
  case float8e5m2fnuz = 20
  case uint4 = 21
  case int4 = 22
  case float4e2m1 = 23
  case float8e8m0 = 24
  case uint2 = 25
  case int2 = 26

  /// Bytes an element takes in a tensor's memory. Types narrower than a byte take one each: two values to a
  /// byte exist in files only, so that every kernel that moves elements knows whole bytes alone.
  @inlinable public var byteWidth: Int {
    switch self {
    case .uint8, .int8, .bool, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0,
      .uint4, .int4, .float4e2m1, .uint2, .int2:
      1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .float32, .int32, .uint32: 4
    case .float64, .int64, .uint64, .complex64: 8
    case .string, .complex128: 16
    }
  }

  /// Bits an element takes in a file.
  public var bitWidth: Int {
    switch self {
    case .uint4, .int4, .float4e2m1: 4
    case .uint2, .int2: 2
    default: byteWidth * 8
    }
  }

  public var isFloatingPoint: Bool {
    switch self {
    case .float32, .float64, .float16, .bfloat16: true
    default: isNarrowFloat
    }
  }

  /// The 8- and 4-bit floating-point types, which are stored and converted but not computed with.
  public var isNarrowFloat: Bool {
    switch self {
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1: true
    default: false
    }
  }

  public var isSignedInteger: Bool {
    switch self {
    case .int8, .int16, .int32, .int64, .int4, .int2: true
    default: false
    }
  }

  public var isUnsignedInteger: Bool {
    switch self {
    case .uint8, .uint16, .uint32, .uint64, .uint4, .uint2: true
    default: false
    }
  }

  public var isInteger: Bool { isSignedInteger || isUnsignedInteger }
}

extension ElementType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .float32: "float32"
    case .uint8: "uint8"
    case .int8: "int8"
    case .uint16: "uint16"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .string: "string"
    case .bool: "bool"
    case .float16: "float16"
    case .float64: "float64"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .complex64: "complex64"
    case .complex128: "complex128"
    case .bfloat16: "bfloat16"
    case .float8e4m3fn: "float8e4m3fn"
    case .float8e4m3fnuz: "float8e4m3fnuz"
    case .float8e5m2: "float8e5m2"
    case .float8e5m2fnuz: "float8e5m2fnuz"
    case .uint4: "uint4"
    case .int4: "int4"
    case .float4e2m1: "float4e2m1"
    case .float8e8m0: "float8e8m0"
    case .uint2: "uint2"
    case .int2: "int2"
    }
  }

  public init?(name: String) {
    guard let type = Self.allCases.first(where: { $0.description == name }) else { return nil }
    self = type
  }
}
