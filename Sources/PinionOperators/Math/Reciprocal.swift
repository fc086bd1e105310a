import CKernels
import PinionBase
import PinionGraph

/// 1 / x, elementwise.
public struct Reciprocal: UnaryOperator {
  public static let schema = Schema("Reciprocal", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_RECIPROCAL }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
