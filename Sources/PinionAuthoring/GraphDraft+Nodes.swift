import PinionBase
import PinionGraph
import PinionImport
import PinionTensor

extension GraphDraft {
  /// The value of a node's attribute.
  public enum Attribute {
    case int(Int64)
    case float(Float)
    case string(String)
    case ints([Int64])
    case floats([Float])
    case strings([String])
    case tensor(Tensor)
    case tensors([Tensor])
    case type(ValueType)
    case graph(GraphDraft)
  }

  /// Adds a node of any operator.
  /// - Parameters:
  ///   - domain: empty or "ai.onnx" for the standard operators.
  ///   - opset: the version of the operator set whose form the node has; nil for the graph's.
  ///   - name: empty for one that is made up.
  ///   - inputs: nil for an optional input that is absent.
  ///   - outputNames: an entry for each output: a name, nil for one that is made up, empty for an output that is not wanted.
  /// - Returns: a value for each output; nil for one that is not wanted.
  /// - Throws: `.unsupported` for an unknown operator or opset; `.invalidModel` for missing or unknown attributes and inputs;
  ///   `.invalidShape` for types that do not fit whatever the open extents are; each names the node and its inputs' types.
  @discardableResult
  public func add(
    _ operatorName: String, domain: String = "", opset: Int64? = nil, name: String = "", inputs: [Value?] = [],
    attributes: [String: Attribute] = [:], outputNames: [String?] = [nil]
  ) throws(PinionError) -> [Value?] {
    try checkOpen()
    let domain = ONNXVersions.normalized(domain), opset = opset ?? self.opset(domain: domain)
    let qualified = domain.isEmpty ? operatorName : "\(domain)::\(operatorName)"
    let nodeName = name.isEmpty ? "\(operatorName)_\(graph.nodes.count + graph.constants.count + 1)" : name
    let oldNodes = graph.nodes.count
    var claimed: [String] = []
    var operands: [ValueID?] = []
    do throws(PinionError) {
      for (index, input) in inputs.enumerated() {
        guard let input else {
          operands.append(nil)
          continue
        }
        operands.append(try resolve(input, "input \(index)"))
      }
      guard domain != "" || ONNXVersions.opset.contains(opset) else {
        throw .unsupported("opset \(opset); expected \(ONNXVersions.opset.lowerBound) to \(ONNXVersions.opset.upperBound)")
      }
      for case let output? in outputNames where !output.isEmpty { claimed.append(try claim(output, "output")) }
      if domain.isEmpty, operatorName == "Constant" { return [try addConstantNode(attributes, inputs, outputNames)] }
      return try addNode(
        NodeParts(operatorName: operatorName, domain: domain, opset: opset, name: nodeName, attributes: attributes), operands, outputNames)
    } catch {
      graph.nodes.removeLast(graph.nodes.count - oldNodes)
      claimed.forEach(release)
      let inputTypes = operands.map { $0.flatMap { types.type($0).map { "\($0)" } } ?? "absent" }
      throw error.at(node: nodeName, operator: qualified, opset: opset, inputTypes: inputTypes)
    }
  }

  /// Adds a node of which the first output is wanted, of an operator whose others are optional.
  /// - Parameters:
  ///   - inputs: nil for an optional input that is absent.
  ///   - domain, opset: as for `add`.
  /// - Returns: that output.
  /// - Throws: what `add` throws.
  @discardableResult
  public func node(
    _ operatorName: String, _ inputs: Value?..., attributes: [String: Attribute] = [:], domain: String = "", opset: Int64? = nil,
    output: String? = nil
  ) throws(PinionError) -> Value {
    let made = try add(operatorName, domain: domain, opset: opset, inputs: inputs, attributes: attributes, outputNames: [output])
    guard case let value?? = made.first else { throw .invalidArgument("'\(operatorName)' was asked for no output") }
    return value
  }

  /// Adds a node of which all outputs are wanted.
  func addNode(_ operatorName: String, inputs: [Value?], outputNames: [String?]) throws(PinionError) -> [Value] {
    try add(operatorName, inputs: inputs, outputNames: outputNames).compactMap { $0 }
  }

  private struct NodeParts {
    let operatorName, domain: String
    let opset: Int64
    let name: String
    let attributes: [String: Attribute]
  }

  private func addNode(_ parts: NodeParts, _ operands: [ValueID?], _ outputNames: [String?]) throws(PinionError) -> [Value?] {
    var values: [String: AttributeValue] = [:]
    var children: [GraphDraft] = []
    for (key, attribute) in parts.attributes.sorted(by: { $0.key < $1.key }) {
      if case .graph(let child) = attribute {
        try check(child, key, children)
        values[key] = .graph(children.count)
        children.append(child)
      } else {
        values[key] = attribute.value
      }
    }
    var draft = NodeDraft(
      domain: parts.domain, name: parts.operatorName, opset: parts.opset, attributes: values,
      inputs: operands.map { $0.map(NodeDraft.Operand.value) ?? .none }, outputs: outputNames.map { $0 != "" })
    guard let type = try draft.adapt(resolver) else {
      guard let similar = resolver.similarOperator(domain: parts.domain, name: parts.operatorName) else { throw .unsupported("the operator is not known") }
      throw .unsupported("the operator is not known; there is \(similar.name) in the domain \(similar.domain.isEmpty ? "ai.onnx" : similar.domain)")
    }
    let oldValues = graph.values.count, oldNodes = graph.nodes.count
    let (op, formal) = try graph.make(type, draft, named: parts.name, resolver)
    settleConstants(from: oldValues)
    for index in oldNodes..<graph.nodes.count { try types.infer(graph.nodes[index], constants: settled, subgraphs: []) }
    let schema = type.schema
    try schema.check(outputCount: outputNames.count)
    var subgraphs: [Graph] = [], captured: [ValueID] = []
    for child in children {
      var subgraph = child.graph
      for index in subgraph.captures.indices { subgraph.captures[index].input = formal.count + captured.count + index }
      captured += child.capturedValues
      subgraphs.append(subgraph)
    }
    var names = outputNames
    if !(schema.outputs.last?.isVariadic ?? false) || !subgraphs.isEmpty { while names.last == .some("") { names.removeLast() } }
    let outputs = names.map { name in name == "" ? nil : graph.addValue(name ?? "") }
    var node = Node(
      name: parts.name, op: op, opset: parts.opset, attributes: draft.attributes, inputs: formal, outputs: outputs, subgraphs: subgraphs)
    node.inputs += captured.map(Optional.some)
    try types.infer(node, constants: settled, subgraphs: children.map(\.types))
    for output in outputs { if let output, graph[output].name.isEmpty { graph[output].name = freshName(parts.operatorName) } }
    append(node)
    for child in children { child.owner = parts.name }
    return (0..<outputNames.count).map { index in
      index < outputs.count ? outputs[index].map { Value(draft: serial, id: $0) } : nil
    }
  }

  private func check(_ child: GraphDraft, _ attribute: String, _ others: [GraphDraft]) throws(PinionError) {
    guard child.parent === self else {
      throw .invalidArgument("attribute '\(attribute)' is no subgraph of this graph; make it with subgraph(name:) of the graph that has the node")
    }
    if let owner = child.owner { throw .invalidArgument("attribute '\(attribute)' is a subgraph of node '\(owner)' already") }
    guard !others.contains(where: { $0 === child }) else { throw .invalidArgument("attribute '\(attribute)' is the subgraph of another attribute") }
    guard !child.graph.outputs.isEmpty else { throw .invalidModel("the subgraph in attribute '\(attribute)' has no outputs") }
  }

  /// The value of a Constant node as a constant.
  private func addConstantNode(_ attributes: [String: Attribute], _ inputs: [Value?], _ outputNames: [String?]) throws(PinionError) -> Value {
    guard attributes.count == 1, let (name, attribute) = attributes.first else {
      throw .invalidModel("Constant has \(attributes.count) attributes, expected 1")
    }
    guard inputs.isEmpty, outputNames.count == 1, outputNames.first != "" else {
      throw .invalidModel("Constant has \(inputs.count) inputs and \(outputNames.count) outputs, expected none and 1")
    }
    let tensor: Tensor
    switch (name, attribute) {
    case ("value", .tensor(let given)): tensor = given
    case ("value_float", .float(let number)): tensor = try Tensor(scalar: number)
    case ("value_floats", .floats(let numbers)): tensor = try Tensor(vector: numbers)
    case ("value_int", .int(let number)): tensor = try Tensor(scalar: number)
    case ("value_ints", .ints(let numbers)): tensor = try Tensor(vector: numbers)
    case ("value_string", .string(let text)): tensor = try Tensor(strings: [text], .scalar)
    case ("value_strings", .strings(let texts)): tensor = try Tensor(strings: texts, .vector(texts.count))
    default: throw .invalidModel("Constant has attribute '\(name)' of kind \(attribute.value?.kind ?? "GRAPH")")
    }
    return Value(draft: serial, id: settle(tensor, name: (outputNames.first ?? nil) ?? freshName("constant")))
  }
}

extension GraphDraft.Attribute {
  /// nil for a graph.
  var value: AttributeValue? {
    switch self {
    case .int(let value): .int(value)
    case .float(let value): .float(value)
    case .string(let value): .string(value)
    case .ints(let values): .ints(values)
    case .floats(let values): .floats(values)
    case .strings(let values): .strings(values)
    case .tensor(let tensor): .tensor(tensor)
    case .tensors(let tensors): .tensors(tensors)
    case .type(let type): .type(type)
    case .graph: nil
    }
  }
}
