import CKernels
import PinionBase
import PinionGraph

/// 1 / (1 + exp(-x)), elementwise.
public struct Sigmoid: UnaryOperator {
  public static let schema = Schema("Sigmoid", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SIGMOID }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
