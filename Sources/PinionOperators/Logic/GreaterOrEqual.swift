import CKernels
import PinionBase
import PinionGraph

/// A >= B, elementwise with broadcasting; false where either is NaN.
public struct GreaterOrEqual: CompareOperator {
  public static let schema = Schema("GreaterOrEqual", since: 16, inputs: ["A: T", "B: T"], outputs: ["C: bool"], types: ["T": [.numbers, .bool]])
  var function: pk_compare_op { PK_COMPARE_GE }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
