import CKernels
import PinionBase
import PinionGraph

/// The greatest integer not above x, elementwise.
public struct Floor: UnaryOperator {
  public static let schema = Schema("Floor", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_FLOOR }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
