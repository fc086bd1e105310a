import CKernels
import PinionBase
import PinionGraph

/// e to the power of x, elementwise.
public struct Exp: UnaryOperator {
  public static let schema = Schema("Exp", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_EXP }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
