import CKernels
import PinionBase
import PinionGraph

/// x / (1 + exp(-alpha * x)), elementwise.
public struct Swish: UnaryOperator {
  public static let schema = Schema("Swish", since: 24, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SWISH }
  package let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1)
  }
}
