import CKernels
import PinionBase
import PinionGraph

/// A < B, elementwise with broadcasting; false where either is NaN.
public struct Less: CompareOperator {
  public static let schema = Schema("Less", since: 13, inputs: ["A: T", "B: T"], outputs: ["C: bool"], types: ["T": [.numbers, .bool]])
  var function: pk_compare_op { PK_COMPARE_LT }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
