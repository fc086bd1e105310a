import CKernels
import PinionBase
import PinionGraph

/// Gelu before it became part of ONNX: the exact form.
public struct MicrosoftGelu: UnaryOperator {
  public static let schema = Schema("Gelu", domain: "com.microsoft", since: 1, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_GELU_ERF }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// x / (1 + exp(-alpha * x)), elementwise.
public struct QuickGelu: UnaryOperator {
  public static let schema = Schema("QuickGelu", domain: "com.microsoft", since: 1, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SWISH }
  let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  public init(_ attributes: inout AttributeReader) throws(PinionError) { alpha = try attributes.float("alpha", default: 1.702) }
}
