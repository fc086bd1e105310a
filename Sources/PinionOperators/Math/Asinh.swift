import CKernels
import PinionBase
import PinionGraph

/// The inverse hyperbolic sine, elementwise.
public struct Asinh: UnaryOperator {
  public static let schema = Schema("Asinh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ASINH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
