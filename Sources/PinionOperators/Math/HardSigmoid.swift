import CKernels
import PinionBase
import PinionGraph

/// alpha * x + beta, held between 0 and 1, elementwise.
public struct HardSigmoid: UnaryOperator {
  public static let schema = Schema("HardSigmoid", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_HARD_SIGMOID }
  package let alpha: Float
  package let beta: Float
  var parameters: pk_params { pk_params(Double(alpha), Double(beta)) }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 0.2)
    beta = try attributes.float("beta", default: 0.5)
  }
}
