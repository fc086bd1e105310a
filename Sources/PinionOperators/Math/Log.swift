import CKernels
import PinionBase
import PinionGraph

/// The natural logarithm, elementwise.
public struct Log: UnaryOperator {
  public static let schema = Schema("Log", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_LOG }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
