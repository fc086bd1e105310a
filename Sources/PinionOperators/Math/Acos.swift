import CKernels
import PinionBase
import PinionGraph

/// The angle in radians whose cosine is x, elementwise.
public struct Acos: UnaryOperator {
  public static let schema = Schema("Acos", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ACOS }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
