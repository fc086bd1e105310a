import CKernels
import PinionBase
import PinionGraph

/// A - B, elementwise with broadcasting; integers wrap.
public struct Sub: BinaryOperator {
  public static let schema = Schema("Sub", since: 14, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .numbers])
  var function: pk_binary_op { PK_BINARY_SUB }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func facts(_ context: FactContext) -> [Fact] {
    var result = broadcast(context)
    result.values = context.arithmetic({ $0.subtractingReportingOverflow($1) }, { context.symbols.difference($0, $1) })
    return [result]
  }
}
