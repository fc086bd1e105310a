import CKernels
import PinionBase
import PinionGraph

/// The tangent of an angle in radians, elementwise.
public struct Tan: UnaryOperator {
  public static let schema = Schema("Tan", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_TAN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
