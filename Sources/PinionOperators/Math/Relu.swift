import CKernels
import PinionBase
import PinionGraph

/// max(x, 0), elementwise.
public struct Relu: UnaryOperator {
  public static let schema = Schema("Relu", since: 14, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": [.signedIntegers, .floats]])
  var function: pk_unary_op { PK_UNARY_RELU }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
