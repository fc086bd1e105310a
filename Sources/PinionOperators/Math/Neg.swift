import CKernels
import PinionBase
import PinionGraph

/// -x, elementwise; integers wrap.
public struct Neg: UnaryOperator {
  public static let schema = Schema("Neg", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": [.signedIntegers, .floats]])
  var function: pk_unary_op { PK_UNARY_NEG }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
