import CKernels
import PinionBase
import PinionGraph

/// A and B of bools, elementwise with broadcasting.
public struct And: BinaryOperator {
  public static let schema = Schema("And", since: 7, inputs: ["A: bool", "B: bool"], outputs: ["C: bool"])
  var function: pk_binary_op { PK_BINARY_AND }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
