import CKernels
import PinionBase
import PinionGraph

/// gamma * x above 0, gamma * alpha * (exp(x) - 1) up to it, elementwise.
public struct Selu: UnaryOperator {
  public static let schema = Schema("Selu", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SELU }
  let alpha: Float
  let gamma: Float
  var parameters: pk_params { pk_params(Double(alpha), Double(gamma)) }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1.67326319217681884765625)
    gamma = try attributes.float("gamma", default: 1.05070102214813232421875)
  }

  /// The first release rounded the defaults.
  public static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 6 else { return }
    node.attributes["consumed_inputs"] = nil
    if node.attributes["alpha"] == nil { node.attributes["alpha"] = .float(1.6732) }
    if node.attributes["gamma"] == nil { node.attributes["gamma"] = .float(1.0507) }
  }
}
