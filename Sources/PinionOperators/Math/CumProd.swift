import PinionBase
import PinionGraph

/// Products of all elements along an axis up to each, or with `exclusive` before it; with `reverse` from the far end.
public struct CumProd: CumulativeOperator {
  public static let schema = Schema(
    "CumProd", since: 26, inputs: ["x: T", "axis: indices"], outputs: ["y: T"], types: ["T": [.floats, .wideIntegers]])
  static var multiplies: Bool { true }
  let isExclusive: Bool
  let isReverse: Bool

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    isExclusive = try attributes.bool("exclusive")
    isReverse = try attributes.bool("reverse")
  }
}
