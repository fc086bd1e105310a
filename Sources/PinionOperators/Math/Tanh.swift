import CKernels
import PinionBase
import PinionGraph

/// The hyperbolic tangent, elementwise.
public struct Tanh: UnaryOperator {
  public static let schema = Schema("Tanh", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_TANH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
