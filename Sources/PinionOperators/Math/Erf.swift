import CKernels
import PinionBase
import PinionGraph

/// The error function, elementwise.
public struct Erf: UnaryOperator {
  public static let schema = Schema("Erf", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .numbers])
  var function: pk_unary_op { PK_UNARY_ERF }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
