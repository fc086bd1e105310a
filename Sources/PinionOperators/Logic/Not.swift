import CKernels
import PinionBase
import PinionGraph

/// The other bool, elementwise.
public struct Not: UnaryOperator {
  public static let schema = Schema("Not", since: 1, inputs: ["X: bool"], outputs: ["Y: bool"])
  var function: pk_unary_op { PK_UNARY_NOT }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
