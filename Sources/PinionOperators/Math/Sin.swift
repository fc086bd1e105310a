import CKernels
import PinionBase
import PinionGraph

/// The sine of an angle in radians, elementwise.
public struct Sin: UnaryOperator {
  public static let schema = Schema("Sin", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SIN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
