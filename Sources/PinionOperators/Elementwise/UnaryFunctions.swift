import CKernels
import PinionBase
import PinionGraph

/// The magnitude, elementwise; of the least signed integer, that integer.
package struct Abs: UnaryOperator {
  package static let schema = Schema("Abs", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .numbers])
  var function: pk_unary_op { PK_UNARY_ABS }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// -x, elementwise; integers wrap.
package struct Neg: UnaryOperator {
  package static let schema = Schema("Neg", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": [.signedIntegers, .floats]])
  var function: pk_unary_op { PK_UNARY_NEG }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// -1, 0 or 1 by the sign, elementwise; NaN stays.
package struct Sign: UnaryOperator {
  package static let schema = Schema("Sign", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .numbers])
  var function: pk_unary_op { PK_UNARY_SIGN }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// 1 / x, elementwise.
package struct Reciprocal: UnaryOperator {
  package static let schema = Schema("Reciprocal", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_RECIPROCAL }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The square root, elementwise; NaN below 0.
package struct Sqrt: UnaryOperator {
  package static let schema = Schema("Sqrt", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SQRT }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// e to the power of x, elementwise.
package struct Exp: UnaryOperator {
  package static let schema = Schema("Exp", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_EXP }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The natural logarithm, elementwise.
package struct Log: UnaryOperator {
  package static let schema = Schema("Log", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_LOG }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The error function, elementwise.
package struct Erf: UnaryOperator {
  package static let schema = Schema("Erf", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .numbers])
  var function: pk_unary_op { PK_UNARY_ERF }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The least integer not below x, elementwise.
package struct Ceil: UnaryOperator {
  package static let schema = Schema("Ceil", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_CEIL }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The greatest integer not above x, elementwise.
package struct Floor: UnaryOperator {
  package static let schema = Schema("Floor", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_FLOOR }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The nearest integer, halves to even, elementwise.
package struct Round: UnaryOperator {
  package static let schema = Schema("Round", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ROUND }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
