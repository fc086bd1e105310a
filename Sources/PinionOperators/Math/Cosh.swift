import CKernels
import PinionBase
import PinionGraph

/// The hyperbolic cosine, elementwise.
public struct Cosh: UnaryOperator {
  public static let schema = Schema("Cosh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_COSH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
