import CKernels
import PinionBase
import PinionGraph

/// The sine of an angle in radians, elementwise.
package struct Sin: UnaryOperator {
  package static let schema = Schema("Sin", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SIN }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The cosine of an angle in radians, elementwise.
package struct Cos: UnaryOperator {
  package static let schema = Schema("Cos", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_COS }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The tangent of an angle in radians, elementwise.
package struct Tan: UnaryOperator {
  package static let schema = Schema("Tan", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_TAN }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The angle in radians whose sine is x, elementwise.
package struct Asin: UnaryOperator {
  package static let schema = Schema("Asin", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ASIN }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The angle in radians whose cosine is x, elementwise.
package struct Acos: UnaryOperator {
  package static let schema = Schema("Acos", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ACOS }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The angle in radians whose tangent is x, elementwise.
package struct Atan: UnaryOperator {
  package static let schema = Schema("Atan", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ATAN }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The hyperbolic sine, elementwise.
package struct Sinh: UnaryOperator {
  package static let schema = Schema("Sinh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SINH }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The hyperbolic cosine, elementwise.
package struct Cosh: UnaryOperator {
  package static let schema = Schema("Cosh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_COSH }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The inverse hyperbolic sine, elementwise.
package struct Asinh: UnaryOperator {
  package static let schema = Schema("Asinh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ASINH }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The inverse hyperbolic cosine, elementwise.
package struct Acosh: UnaryOperator {
  package static let schema = Schema("Acosh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ACOSH }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The inverse hyperbolic tangent, elementwise.
package struct Atanh: UnaryOperator {
  package static let schema = Schema("Atanh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ATANH }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
