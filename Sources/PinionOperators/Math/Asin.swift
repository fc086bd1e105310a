import CKernels
import PinionBase
import PinionGraph

/// The angle in radians whose sine is x, elementwise.
public struct Asin: UnaryOperator {
  public static let schema = Schema("Asin", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ASIN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
