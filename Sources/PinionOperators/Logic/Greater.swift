import CKernels
import PinionBase
import PinionGraph

/// A > B, elementwise with broadcasting; false where either is NaN.
public struct Greater: CompareOperator {
  public static let schema = Schema("Greater", since: 13, inputs: ["A: T", "B: T"], outputs: ["C: bool"], types: ["T": [.numbers, .bool]])
  var function: pk_compare_op { PK_COMPARE_GT }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
