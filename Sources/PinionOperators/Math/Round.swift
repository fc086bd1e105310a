import CKernels
import PinionBase
import PinionGraph

/// The nearest integer, halves to even, elementwise.
public struct Round: UnaryOperator {
  public static let schema = Schema("Round", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ROUND }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
