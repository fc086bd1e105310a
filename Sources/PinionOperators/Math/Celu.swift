import CKernels
import PinionBase
import PinionGraph

/// max(0, x) + min(0, alpha * (exp(x / alpha) - 1)), elementwise.
public struct Celu: UnaryOperator {
  public static let schema = Schema("Celu", since: 28, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_CELU }
  let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1)
    guard alpha != 0 else { throw .invalidModel("attribute 'alpha' is 0, which is no divisor") }
  }
}
