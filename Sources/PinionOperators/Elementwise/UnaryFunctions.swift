import CKernels
import PinionBase
import PinionGraph

/// The magnitude, elementwise; of the least signed integer, that integer.
public struct Abs: UnaryOperator {
  public static let schema = Schema("Abs", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .numbers])
  var function: pk_unary_op { PK_UNARY_ABS }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// -x, elementwise; integers wrap.
public struct Neg: UnaryOperator {
  public static let schema = Schema("Neg", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": [.signedIntegers, .floats]])
  var function: pk_unary_op { PK_UNARY_NEG }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// -1, 0 or 1 by the sign, elementwise; NaN stays.
public struct Sign: UnaryOperator {
  public static let schema = Schema("Sign", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .numbers])
  var function: pk_unary_op { PK_UNARY_SIGN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// 1 / x, elementwise.
public struct Reciprocal: UnaryOperator {
  public static let schema = Schema("Reciprocal", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_RECIPROCAL }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The square root, elementwise; NaN below 0.
public struct Sqrt: UnaryOperator {
  public static let schema = Schema("Sqrt", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SQRT }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// e to the power of x, elementwise.
public struct Exp: UnaryOperator {
  public static let schema = Schema("Exp", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_EXP }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The natural logarithm, elementwise.
public struct Log: UnaryOperator {
  public static let schema = Schema("Log", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_LOG }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The error function, elementwise.
public struct Erf: UnaryOperator {
  public static let schema = Schema("Erf", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .numbers])
  var function: pk_unary_op { PK_UNARY_ERF }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The least integer not below x, elementwise.
public struct Ceil: UnaryOperator {
  public static let schema = Schema("Ceil", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_CEIL }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The greatest integer not above x, elementwise.
public struct Floor: UnaryOperator {
  public static let schema = Schema("Floor", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_FLOOR }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The nearest integer, halves to even, elementwise.
public struct Round: UnaryOperator {
  public static let schema = Schema("Round", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ROUND }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
