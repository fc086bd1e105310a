import CKernels
import PinionBase
import PinionGraph

/// The inverse hyperbolic tangent, elementwise.
public struct Atanh: UnaryOperator {
  public static let schema = Schema("Atanh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ATANH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
