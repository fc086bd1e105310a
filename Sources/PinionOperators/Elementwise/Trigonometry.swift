import CKernels
import PinionBase
import PinionGraph

/// The sine of an angle in radians, elementwise.
public struct Sin: UnaryOperator {
  public static let schema = Schema("Sin", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SIN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The cosine of an angle in radians, elementwise.
public struct Cos: UnaryOperator {
  public static let schema = Schema("Cos", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_COS }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The tangent of an angle in radians, elementwise.
public struct Tan: UnaryOperator {
  public static let schema = Schema("Tan", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_TAN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The angle in radians whose sine is x, elementwise.
public struct Asin: UnaryOperator {
  public static let schema = Schema("Asin", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ASIN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The angle in radians whose cosine is x, elementwise.
public struct Acos: UnaryOperator {
  public static let schema = Schema("Acos", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ACOS }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The angle in radians whose tangent is x, elementwise.
public struct Atan: UnaryOperator {
  public static let schema = Schema("Atan", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ATAN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The hyperbolic sine, elementwise.
public struct Sinh: UnaryOperator {
  public static let schema = Schema("Sinh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SINH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The hyperbolic cosine, elementwise.
public struct Cosh: UnaryOperator {
  public static let schema = Schema("Cosh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_COSH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The inverse hyperbolic sine, elementwise.
public struct Asinh: UnaryOperator {
  public static let schema = Schema("Asinh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ASINH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The inverse hyperbolic cosine, elementwise.
public struct Acosh: UnaryOperator {
  public static let schema = Schema("Acosh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ACOSH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The inverse hyperbolic tangent, elementwise.
public struct Atanh: UnaryOperator {
  public static let schema = Schema("Atanh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ATANH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
