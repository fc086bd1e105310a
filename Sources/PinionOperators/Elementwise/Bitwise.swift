import CKernels
import PinionBase
import PinionGraph

/// The bits set in both A and B, elementwise with broadcasting.
public struct BitwiseAnd: BinaryOperator {
  public static let schema = Schema("BitwiseAnd", since: 18, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .integers])
  var function: pk_binary_op { PK_BINARY_BITAND }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The bits set in A or B, elementwise with broadcasting.
public struct BitwiseOr: BinaryOperator {
  public static let schema = Schema("BitwiseOr", since: 18, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .integers])
  var function: pk_binary_op { PK_BINARY_BITOR }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The bits set in exactly one of A and B, elementwise with broadcasting.
public struct BitwiseXor: BinaryOperator {
  public static let schema = Schema("BitwiseXor", since: 18, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .integers])
  var function: pk_binary_op { PK_BINARY_BITXOR }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// Every bit inverted, elementwise.
public struct BitwiseNot: UnaryOperator {
  public static let schema = Schema("BitwiseNot", since: 18, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .integers])
  var function: pk_unary_op { PK_UNARY_BITNOT }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
