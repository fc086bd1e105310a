import CKernels
import PinionBase
import PinionGraph

/// The bits set in A or B, elementwise with broadcasting.
public struct BitwiseOr: BinaryOperator {
  public static let schema = Schema("BitwiseOr", since: 18, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .integers])
  var function: pk_binary_op { PK_BINARY_BITOR }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
