import CKernels
import PinionBase
import PinionGraph

/// x * HardSigmoid(x) with alpha 1/6 and beta 0.5, elementwise.
public struct HardSwish: UnaryOperator {
  public static let schema = Schema("HardSwish", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_HARD_SWISH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
