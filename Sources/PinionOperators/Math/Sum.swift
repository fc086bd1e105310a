import CKernels
import PinionBase
import PinionGraph

/// The sum of all inputs, elementwise with broadcasting.
public struct Sum: VariadicOperator {
  public static let schema = Schema("Sum", since: 13, inputs: ["data_0...: T"], outputs: ["sum: T"], types: ["T": .numbers])
  static var function: pk_binary_op { PK_BINARY_ADD }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
