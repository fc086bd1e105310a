import CKernels
import PinionBase
import PinionGraph

/// x above alpha, else 0, elementwise.
public struct ThresholdedRelu: UnaryOperator {
  public static let schema = Schema("ThresholdedRelu", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_THRESHOLDED_RELU }
  let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1)
  }
}
