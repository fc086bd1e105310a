import CKernels
import PinionBase
import PinionGraph

/// x for x >= 0, alpha * x below, elementwise.
public struct LeakyRelu: UnaryOperator {
  public static let schema = Schema("LeakyRelu", since: 16, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_LEAKY_RELU }
  package let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 0.01)
  }
}
