import CKernels
import PinionBase
import PinionGraph

/// A and B of bools, elementwise with broadcasting.
public struct And: BinaryOperator {
  public static let schema = Schema("And", since: 7, inputs: ["A: bool", "B: bool"], outputs: ["C: bool"])
  var function: pk_binary_op { PK_BINARY_AND }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// A or B of bools, elementwise with broadcasting.
public struct Or: BinaryOperator {
  public static let schema = Schema("Or", since: 7, inputs: ["A: bool", "B: bool"], outputs: ["C: bool"])
  var function: pk_binary_op { PK_BINARY_OR }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// Whether exactly one of the bools A and B is true, elementwise with broadcasting.
public struct Xor: BinaryOperator {
  public static let schema = Schema("Xor", since: 7, inputs: ["A: bool", "B: bool"], outputs: ["C: bool"])
  var function: pk_binary_op { PK_BINARY_XOR }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The other bool, elementwise.
public struct Not: UnaryOperator {
  public static let schema = Schema("Not", since: 1, inputs: ["X: bool"], outputs: ["Y: bool"])
  var function: pk_unary_op { PK_UNARY_NOT }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
