import CKernels
import PinionBase
import PinionGraph

/// The greatest of all inputs, elementwise with broadcasting; NaN if one is.
public struct Max: VariadicOperator {
  public static let schema = Schema("Max", since: 13, inputs: ["data_0...: T"], outputs: ["max: T"], types: ["T": .numbers])
  static var function: pk_binary_op { PK_BINARY_MAX }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
