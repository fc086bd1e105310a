import PinionBase
import PinionGraph
import PinionTensor

/// An operator that takes anything, so that graphs of any form can be written.
struct AnyAttributes: Operator {
  static let schema = Schema("Any", domain: "test.domain", since: 3, inputs: ["X...?"], outputs: ["Y...?"])
  init(_ attributes: inout AttributeReader) throws(PinionError) {
    attributes.ignore(
      "int", "float", "string", "ints", "floats", "strings", "tensor", "tensors", "type", "body", "other", "empty", "odd name")
  }
}

struct AnyResolver: OperatorResolver {
  func operatorType(domain: String, name: String) -> (any Operator.Type)? {
    domain == "test.domain" && name == "Any" ? AnyAttributes.self : nil
  }
}

func parse(_ text: String) throws(PinionError) -> Graph { try Graph(parsing: text, resolver: AnyResolver()) }
