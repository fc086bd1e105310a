import CKernels
import PinionBase
import PinionGraph

/// Every bit inverted, elementwise.
public struct BitwiseNot: UnaryOperator {
  public static let schema = Schema("BitwiseNot", since: 18, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .integers])
  var function: pk_unary_op { PK_UNARY_BITNOT }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
