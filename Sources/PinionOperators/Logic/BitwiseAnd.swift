import CKernels
import PinionBase
import PinionGraph

/// The bits set in both A and B, elementwise with broadcasting.
public struct BitwiseAnd: BinaryOperator {
  public static let schema = Schema("BitwiseAnd", since: 18, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .integers])
  var function: pk_binary_op { PK_BINARY_BITAND }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
