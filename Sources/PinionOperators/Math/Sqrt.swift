import CKernels
import PinionBase
import PinionGraph

/// The square root, elementwise; NaN below 0.
public struct Sqrt: UnaryOperator {
  public static let schema = Schema("Sqrt", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SQRT }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
