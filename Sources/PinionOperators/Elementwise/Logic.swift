import CKernels
import PinionBase
import PinionGraph

/// A and B of bools, elementwise with broadcasting.
package struct And: BinaryOperator {
  package static let schema = Schema("And", since: 7, inputs: ["A: bool", "B: bool"], outputs: ["C: bool"])
  var function: pk_binary_op { PK_BINARY_AND }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// A or B of bools, elementwise with broadcasting.
package struct Or: BinaryOperator {
  package static let schema = Schema("Or", since: 7, inputs: ["A: bool", "B: bool"], outputs: ["C: bool"])
  var function: pk_binary_op { PK_BINARY_OR }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// Whether exactly one of the bools A and B is true, elementwise with broadcasting.
package struct Xor: BinaryOperator {
  package static let schema = Schema("Xor", since: 7, inputs: ["A: bool", "B: bool"], outputs: ["C: bool"])
  var function: pk_binary_op { PK_BINARY_XOR }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The other bool, elementwise.
package struct Not: UnaryOperator {
  package static let schema = Schema("Not", since: 1, inputs: ["X: bool"], outputs: ["Y: bool"])
  var function: pk_unary_op { PK_UNARY_NOT }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
