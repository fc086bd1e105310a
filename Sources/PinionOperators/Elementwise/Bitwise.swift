import CKernels
import PinionBase
import PinionGraph

/// The bits set in both A and B, elementwise with broadcasting.
package struct BitwiseAnd: BinaryOperator {
  package static let schema = Schema("BitwiseAnd", since: 18, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .integers])
  var function: pk_binary_op { PK_BINARY_BITAND }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The bits set in A or B, elementwise with broadcasting.
package struct BitwiseOr: BinaryOperator {
  package static let schema = Schema("BitwiseOr", since: 18, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .integers])
  var function: pk_binary_op { PK_BINARY_BITOR }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The bits set in exactly one of A and B, elementwise with broadcasting.
package struct BitwiseXor: BinaryOperator {
  package static let schema = Schema("BitwiseXor", since: 18, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .integers])
  var function: pk_binary_op { PK_BINARY_BITXOR }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// Every bit inverted, elementwise.
package struct BitwiseNot: UnaryOperator {
  package static let schema = Schema("BitwiseNot", since: 18, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .integers])
  var function: pk_unary_op { PK_UNARY_BITNOT }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
