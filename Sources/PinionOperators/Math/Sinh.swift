import CKernels
import PinionBase
import PinionGraph

/// The hyperbolic sine, elementwise.
public struct Sinh: UnaryOperator {
  public static let schema = Schema("Sinh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SINH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
