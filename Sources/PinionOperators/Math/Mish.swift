import CKernels
import PinionBase
import PinionGraph

/// x * tanh(log(1 + exp(x))), elementwise.
public struct Mish: UnaryOperator {
  public static let schema = Schema("Mish", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_MISH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
