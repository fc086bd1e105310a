import CKernels
import PinionBase
import PinionGraph

/// log(1 + exp(x)), elementwise.
public struct Softplus: UnaryOperator {
  public static let schema = Schema("Softplus", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SOFTPLUS }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
