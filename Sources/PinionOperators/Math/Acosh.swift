import CKernels
import PinionBase
import PinionGraph

/// The inverse hyperbolic cosine, elementwise.
public struct Acosh: UnaryOperator {
  public static let schema = Schema("Acosh", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ACOSH }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
