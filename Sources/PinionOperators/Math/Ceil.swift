import CKernels
import PinionBase
import PinionGraph

/// The least integer not below x, elementwise.
public struct Ceil: UnaryOperator {
  public static let schema = Schema("Ceil", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_CEIL }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
