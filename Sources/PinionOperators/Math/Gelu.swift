import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph

/// x times the normal distribution's cumulative function at x, elementwise; exact or by the tanh formula.
public struct Gelu: UnaryOperator {
  package enum Approximation: String, CaseIterable {
    case none, tanh
  }

  public static let schema = Schema("Gelu", since: 20, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  package let approximation: Approximation
  var function: pk_unary_op { approximation == .tanh ? PK_UNARY_GELU_TANH : PK_UNARY_GELU_ERF }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    approximation = try attributes.choice("approximate", default: .none)
  }
}
