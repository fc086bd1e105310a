import PinionBase
import PinionGraph

/// Sums of all elements along an axis up to each, or with `exclusive` before it; with `reverse` from the far end.
public struct CumSum: CumulativeOperator {
  public static let schema = Schema("CumSum", since: 14, inputs: ["x: T", "axis: indices"], outputs: ["y: T"], types: ["T": [.floats, .wideIntegers]])
  static var multiplies: Bool { false }
  let isExclusive: Bool
  let isReverse: Bool

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    isExclusive = try attributes.bool("exclusive")
    isReverse = try attributes.bool("reverse")
  }
}
