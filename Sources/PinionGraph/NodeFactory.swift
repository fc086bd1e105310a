import PinionBase
import PinionTensor

extension OperatorResolver {
  /// A node of the newest form of the operator that is found under the name.
  public func node(
    _ operatorName: String, domain: String = "", name: String = "", attributes: [String: AttributeValue] = [:], inputs: [ValueID?],
    outputs: [ValueID?], subgraphs: [Graph] = []
  ) throws(PinionError) -> Node {
    guard let type = operatorType(domain: domain, name: operatorName) else {
      throw PinionError.unsupported("operator \(operatorName) is not known").at(node: name, operator: operatorName)
    }
    return try Node(type, name: name, attributes: attributes, inputs: inputs, outputs: outputs, subgraphs: subgraphs)
  }
}

extension Node {
  /// A node of the operator's newest form, made from its attributes.
  public init(
    _ type: any Operator.Type, name: String = "", attributes: [String: AttributeValue] = [:], inputs: [ValueID?], outputs: [ValueID?],
    subgraphs: [Graph] = []
  ) throws(PinionError) {
    var reader = AttributeReader(attributes)
    let op: any Operator
    do {
      op = try type.init(&reader)
      try reader.finish()
    } catch { throw error.at(node: name, operator: type.schema.qualifiedName) }
    self.init(
      name: name, op: op, opset: type.schema.since, attributes: attributes, inputs: inputs, outputs: outputs, subgraphs: subgraphs)
  }
}
