import CKernels
import PinionBase
import PinionGraph

/// The bits set in exactly one of A and B, elementwise with broadcasting.
public struct BitwiseXor: BinaryOperator {
  public static let schema = Schema("BitwiseXor", since: 18, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .integers])
  var function: pk_binary_op { PK_BINARY_BITXOR }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
