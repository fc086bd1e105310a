import CKernels
import PinionBase
import PinionGraph

/// The magnitude, elementwise; of the least signed integer, that integer.
public struct Abs: UnaryOperator {
  public static let schema = Schema("Abs", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .numbers])
  var function: pk_unary_op { PK_UNARY_ABS }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
