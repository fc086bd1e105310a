import CKernels
import PinionBase
import PinionGraph

/// -1, 0 or 1 by the sign, elementwise; NaN stays.
public struct Sign: UnaryOperator {
  public static let schema = Schema("Sign", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .numbers])
  var function: pk_unary_op { PK_UNARY_SIGN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
