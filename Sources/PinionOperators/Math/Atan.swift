import CKernels
import PinionBase
import PinionGraph

/// The angle in radians whose tangent is x, elementwise.
public struct Atan: UnaryOperator {
  public static let schema = Schema("Atan", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ATAN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
