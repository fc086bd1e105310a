import CKernels
import PinionBase
import PinionGraph

/// x / (1 + |x|), elementwise.
public struct Softsign: UnaryOperator {
  public static let schema = Schema("Softsign", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SOFTSIGN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
