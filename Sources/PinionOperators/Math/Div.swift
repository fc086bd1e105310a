import CKernels
import PinionBase
import PinionGraph

/// A / B, elementwise with broadcasting; integers truncate, and dividing them by 0 gives 0.
public struct Div: BinaryOperator {
  public static let schema = Schema("Div", since: 14, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .numbers])
  var function: pk_binary_op { PK_BINARY_DIV }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func facts(_ context: FactContext) -> [Fact] {
    var result = broadcast(context)
    result.values = context.arithmetic({ $1 == 0 ? (0, true) : $0.dividedReportingOverflow(by: $1) }) { extent, divisor in
      context.symbols.quotient(extent, by: divisor)
    }
    return [result]
  }
}
