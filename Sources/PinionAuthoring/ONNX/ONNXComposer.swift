import PinionBase
import PinionGraph
import PinionImport
import PinionTensor

/// Turns a model's graphs into messages, under names that no other value of the model has.
final class ONNXComposer {
  let resolver: any OperatorResolver
  /// The version of ai.onnx that is written at least.
  let opset: Int64
  private let external: ExternalData?
  private var names: Set<String> = []
  /// Names of nodes, which runtimes want to be different in one graph.
  private var nodeNames: Set<String> = []
  private var nameCounts: [String: Int] = [:]
  /// The least versions of operator sets that the nodes need, by domain.
  private(set) var needs: [String: Int64] = [:]
  /// The node that needs the version of ai.onnx.
  private(set) var reason = ""

  init(resolver: any OperatorResolver, opset: Int64, external: ExternalData?) {
    self.resolver = resolver
    self.opset = opset
    self.external = external
  }

  /// A graph while it is composed: what its values are called and what is known of them.
  final class Scope {
    var graph: Graph
    var names: [ValueID: String] = [:]
    var types: KnownTypes
    var message = WireWriter()
    /// Names of constants here and in the graphs around, of which each is written once.
    var constants: [ObjectIdentifier: [(tensor: Tensor, name: String)]]

    init(_ graph: Graph, outer: Scope?) {
      self.graph = graph
      types = KnownTypes(outer: outer?.types)
      constants = outer?.constants ?? [:]
    }
  }

  /// The GraphProto of a model.
  func compose(_ model: ImportedModel) throws(PinionError) -> WireWriter {
    let scope = Scope(model.graph, outer: nil), graph = model.graph
    for value in graph.inputs + model.overridable.map(\.value) {
      guard names.insert(graph[value].name).inserted else { throw .invalidModel("two inputs are named '\(graph[value].name)'") }
      scope.names[value] = graph[value].name
    }
    // Outputs come before inner values in the choice of names.
    for value in graph.outputs where scope.names[value] == nil && names.insert(graph[value].name).inserted {
      scope.names[value] = graph[value].name
    }
    scope.message.string(2, graph.name.isEmpty ? "graph" : graph.name)
    scope.message.optionalString(10, model.metadata.graphDocString)
    for value in graph.inputs {
      scope.types.declare(value, graph[value].type)
      try scope.message.valueInfo(11, name(value, scope), graph[value].type)
    }
    for (_, value) in model.overridable {
      scope.types.declare(value, graph[value].type)
      try scope.message.valueInfo(11, name(value, scope), graph[value].type)
      if let tensor = graph.constants[value] { try scope.message.tensor(5, name(value, scope), tensor, external: external) }
    }
    try composeBody(scope, isMain: true, defaults: Set(model.overridable.map(\.value)))
    return scope.message
  }

  /// A subgraph: its captures have the names of what they are outside.
  private func compose(_ graph: Graph, of node: Node, in outer: Scope, inputs: [ValueType?]) throws(PinionError) -> Scope {
    let scope = Scope(graph, outer: outer)
    scope.message.string(2, graph.name.isEmpty ? "body" : graph.name)
    for capture in graph.captures {
      guard node.inputs.indices.contains(capture.input), let value = node.inputs[capture.input] else { throw .internal("a capture has no source") }
      scope.names[capture.inner] = name(value, outer)
      scope.types.capture(capture.inner, value, of: outer.types)
    }
    for (index, value) in graph.inputs.enumerated() {
      let type = graph[value].type ?? (index < inputs.count ? inputs[index] : nil)
      scope.types.declare(value, type)
      try scope.message.valueInfo(11, name(value, scope), type)
    }
    try composeBody(scope, isMain: false, defaults: [])
    return scope
  }

  private func composeBody(_ scope: Scope, isMain: Bool, defaults: Set<ValueID>) throws(PinionError) {
    let used = scope.graph.usedValues
    for (value, tensor) in scope.graph.constants.sorted(by: { $0.key < $1.key }) where used.contains(value) && !defaults.contains(value) {
      try composeConstant(value, tensor, scope)
    }
    var made: Set<ValueID> = []
    let nodes = scope.graph.nodes
    for node in nodes {
      do throws(PinionError) {
        let firstNew = scope.graph.values.count
        for form in try standardForm(node, scope) {
          for index in firstNew..<scope.graph.values.count {
            let value = ValueID(index: index)
            if scope.names[value] == nil, let tensor = scope.graph.constants[value] { try composeConstant(value, tensor, scope) }
          }
          try compose(form, scope)
          for case let output? in form.outputs { made.insert(output) }
        }
      } catch { throw node.locate(error) }
    }
    var given: Set<ValueID> = []
    for value in scope.graph.outputs {
      var output = name(value, scope)
      // An output is a value of its own: in a subgraph one that a node makes.
      if !given.insert(value).inserted || (!isMain && !made.contains(value)) {
        output = freshName(scope.graph[value].name)
        try scope.message.message(1) { proto in
          proto.string(1, name(value, scope))
          proto.string(2, output)
          proto.string(4, "Identity")
        }
      }
      try scope.message.valueInfo(12, output, outputType(value, scope))
    }
  }

  /// What is declared, or what was found where that says more.
  private func outputType(_ value: ValueID, _ scope: Scope) -> ValueType? {
    let declared = scope.graph[value].type, found = scope.types.type(value)
    guard case .tensor(let element, nil)? = declared, case .tensor(element, _?)? = found else { return declared ?? found }
    return found
  }

  private func composeConstant(_ value: ValueID, _ tensor: Tensor, _ scope: Scope) throws(PinionError) {
    scope.types.declare(value, nil, constant: tensor)
    if scope.names[value] == nil, let owner = tensor.owner, let known = scope.constants[ObjectIdentifier(owner)]?.first(where: { $0.tensor.isSameMemory(as: tensor) }) {
      scope.names[value] = known.name
      return
    }
    let name = name(value, scope)
    if let owner = tensor.owner { scope.constants[ObjectIdentifier(owner), default: []].append((tensor, name)) }
    try scope.message.tensor(5, name, tensor, external: external)
  }

  // MARK: Nodes

  private func compose(_ node: Node, _ scope: Scope) throws(PinionError) {
    var known: [KnownTypes] = [], messages: [WireWriter] = []
    for graph in node.subgraphs {
      let inner = try compose(graph, of: node, in: scope, inputs: node.bodyInputs(node.inputs.prefix(node.formalInputCount).map { $0.flatMap(scope.types.type) }))
      known.append(inner.types)
      messages.append(inner.message)
    }
    scope.types.inferIfPossible(node, constants: scope.graph.constants, subgraphs: known)
    var outputs = node.outputs
    if !(node.schema.outputs.last?.isVariadic ?? false) || !node.subgraphs.isEmpty {
      while outputs.count > node.schema.leastOutputs, case .some(.none) = outputs.last { outputs.removeLast() }
    }
    let attributes = try standardAttributes(node)
    note(node, attributes, scope)
    try scope.message.message(1) { (proto) throws(PinionError) in
      for input in node.inputs.prefix(node.formalInputCount) { proto.string(1, input.map { name($0, scope) } ?? "") }
      for (slot, output) in outputs.enumerated() { proto.string(2, output.map { name($0, scope) } ?? absentOutput(slot, of: node)) }
      proto.optionalString(3, nodeName(node.name))
      proto.string(4, node.schema.name)
      for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
        if case .graph(let index) = value {
          guard messages.indices.contains(index) else { throw .internal("attribute '\(name)' is subgraph \(index) of \(messages.count)") }
          try proto.attribute(5, name, graph: messages[index])
        } else {
          try proto.attribute(5, name, value)
        }
      }
      proto.optionalString(7, node.writtenDomain)
    }
  }

  /// The name of an output that nobody reads: one that the operator computes in any case needs a name in ONNX.
  private func absentOutput(_ slot: Int, of node: Node) -> String {
    guard let operand = node.schema.operand(slot, of: node.schema.outputs), !operand.isOptional, !operand.isVariadic else { return "" }
    return freshName("\(node.name.isEmpty ? node.schema.name : node.name)_\(operand.name)")
  }

  /// Takes note of the versions that a node needs.
  private func note(_ node: Node, _ attributes: [String: AttributeValue], _ scope: Scope) {
    let domain = node.writtenDomain
    var version: Int64 = domain.isEmpty ? OperatorSets.base : 1
    if let entry = OperatorSets.entries[node.schema.qualifiedName] {
      version = max(version, entry.since)
      for name in attributes.keys { version = max(version, entry.attributes[name] ?? 0) }
      for value in node.inputs.prefix(node.formalInputCount) + node.outputs {
        guard let value, let element = scope.types.type(value)?.innermostElement else { continue }
        version = max(version, entry.elements[element] ?? 0)
      }
      // The only operator that has gained an input since.
      if node.schema.name == "Attention", node.formalInputCount > 6 { version = max(version, 24) }
    }
    if domain.isEmpty, version > needs[""] ?? 0 { reason = "operator \(node.schema.name) of node '\(node.name)'" }
    needs[domain] = max(needs[domain] ?? 1, version)
  }

  // MARK: Names

  private func name(_ value: ValueID, _ scope: Scope) -> String {
    if let name = scope.names[value] { return name }
    let name = freshName(scope.graph[value].name)
    scope.names[value] = name
    return name
  }

  private func freshName(_ wanted: String) -> String { freshName(wanted.isEmpty ? "value" : wanted, &names, isGood: !wanted.isEmpty) }

  private func nodeName(_ wanted: String) -> String { wanted.isEmpty ? "" : freshName(wanted, &nodeNames, isGood: true) }

  /// - Parameter isGood: whether the name alone will do.
  private func freshName(_ base: String, _ taken: inout Set<String>, isGood: Bool) -> String {
    if isGood, taken.insert(base).inserted { return base }
    while true {
      let number = nameCounts[base, default: 0] + 1
      nameCounts[base] = number
      if taken.insert("\(base)_\(number)").inserted { return "\(base)_\(number)" }
    }
  }
}

extension Graph {
  /// The values that nodes read or the graph gives out.
  var usedValues: Set<ValueID> {
    var used = Set(outputs)
    for node in nodes { for case let input? in node.inputs { used.insert(input) } }
    return used
  }
}

extension ValueType {
  /// The element type of the tensors in it.
  fileprivate var innermostElement: ElementType? {
    switch self {
    case .tensor(let element, _): element
    case .sequence(let type), .optional(let type), .map(_, let type): type.innermostElement
    }
  }
}
