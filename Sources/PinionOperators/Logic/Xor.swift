import CKernels
import PinionBase
import PinionGraph

/// Whether exactly one of the bools A and B is true, elementwise with broadcasting.
public struct Xor: BinaryOperator {
  public static let schema = Schema("Xor", since: 7, inputs: ["A: bool", "B: bool"], outputs: ["C: bool"])
  var function: pk_binary_op { PK_BINARY_XOR }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
