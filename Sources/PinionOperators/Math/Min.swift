import CKernels
import PinionBase
import PinionGraph

/// The least of all inputs, elementwise with broadcasting; NaN if one is.
public struct Min: VariadicOperator {
  public static let schema = Schema("Min", since: 13, inputs: ["data_0...: T"], outputs: ["min: T"], types: ["T": .numbers])
  static var function: pk_binary_op { PK_BINARY_MIN }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
