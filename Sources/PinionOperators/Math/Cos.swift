import CKernels
import PinionBase
import PinionGraph

/// The cosine of an angle in radians, elementwise.
public struct Cos: UnaryOperator {
  public static let schema = Schema("Cos", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_COS }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
