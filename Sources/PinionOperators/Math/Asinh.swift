import CKernels
import PinionBase
import PinionGraph

/// The inverse hyperbolic sine, elementwise.
public struct Asinh: UnaryOperator {
  public static let schema = Schema("Asinh", since: 22, inputs: ["input"], outputs: ["output"])
  var function: pk_unary_op { PK_UNARY_ASINH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
