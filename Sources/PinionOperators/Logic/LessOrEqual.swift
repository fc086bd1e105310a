import CKernels
import PinionBase
import PinionGraph

/// A <= B, elementwise with broadcasting; false where either is NaN.
public struct LessOrEqual: CompareOperator {
  public static let schema = Schema("LessOrEqual", since: 16, inputs: ["A: T", "B: T"], outputs: ["C: bool"], types: ["T": [.numbers, .bool]])
  var function: pk_compare_op { PK_COMPARE_LE }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
