import CKernels
import PinionBase
import PinionGraph

/// A * B, elementwise with broadcasting; integers wrap.
public struct Mul: BinaryOperator {
  public static let schema = Schema("Mul", since: 14, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .numbers])
  var function: pk_binary_op { PK_BINARY_MUL }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func facts(_ context: FactContext) -> [Fact] {
    var result = broadcast(context)
    result.values = context.arithmetic({ $0.multipliedReportingOverflow(by: $1) }, { context.symbols.product(of: [$0, $1]) })
    return [result]
  }
}
