import CKernels
import PinionBase
import PinionGraph

/// A or B of bools, elementwise with broadcasting.
public struct Or: BinaryOperator {
  public static let schema = Schema("Or", since: 7, inputs: ["A: bool", "B: bool"], outputs: ["C: bool"])
  var function: pk_binary_op { PK_BINARY_OR }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
