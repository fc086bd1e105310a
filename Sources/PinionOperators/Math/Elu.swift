import CKernels
import PinionBase
import PinionGraph

/// x from 0 on, alpha * (exp(x) - 1) below, elementwise.
public struct Elu: UnaryOperator {
  public static let schema = Schema("Elu", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ELU }
  let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1)
  }
}
