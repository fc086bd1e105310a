import PinionBase
import PinionGraph
import PinionTensor

/// Builds one graph, main or sub-, from its message. What it does to `graph` and its tables it does at once, with values that it has at hand,
/// so that no two accesses overlap and none is checked for it.
final class GraphBuilder {
  let state: ImportState
  let parent: GraphBuilder?
  @exclusivity(unchecked) var graph: Graph
  var overridable: [(name: String, value: ValueID)] = []
  @exclusivity(unchecked) private var overridableValues: Set<ValueID> = []
  /// The values that names stand for; a function's body has names of its own.
  @exclusivity(unchecked) private var names: NamedValues<ValueID>
  @exclusivity(unchecked) private var declaredTypes: NamedValues<ValueType>
  /// The enclosing graph's value for each capture, in the order of `graph.captures`.
  private(set) var capturedValues: [ValueID] = []

  init(_ state: ImportState, parent: GraphBuilder?) {
    self.state = state
    self.parent = parent
    graph = Graph()
    // A subgraph has few of the file's names.
    names = NamedValues(names: parent == nil ? state.nameCount : nil)
    declaredTypes = NamedValues(names: parent == nil ? state.nameCount : nil)
  }

  func build(
    _ message: ONNXGraph, opsets: OpsetImports, isMain: Bool = false, bindings: [String: ONNXAttribute] = [:], functionDepth: Int = 0
  ) throws(PinionError) {
    graph.name = message.name
    var poll = Poll(state.control)
    for info in message.valueInfos {
      try poll.count(128)
      declaredTypes[info.name] = try? info.type.map(ValueType.init(onnx:))
    }
    for info in message.outputs {
      try poll.count(128)
      declaredTypes[info.name] = try info.type.flatMap(ValueType.init(onnxIfComplete:))
    }

    var initializers: Set<Int> = []
    if isMain, !message.inputs.isEmpty {
      for tensor in message.initializers {
        try poll.count(64)
        initializers.insert(tensor.name.number)
      }
      for sparse in message.sparseInitializers { if let name = sparse.values?.name { initializers.insert(name.number) } }
    }
    graph.nodes.reserveCapacity(message.nodes.count)
    for info in message.inputs {
      try poll.count(128)
      let type = try info.type.flatMap(ValueType.init(onnxIfComplete:))
      guard names[info.name] == nil else { throw .invalidModel("the graph has two inputs named '\(info.name.text)'") }
      let value = graph.addValue(info.name.text, type: type)
      names[info.name] = value
      if isMain, initializers.contains(info.name.number) {
        overridable.append((info.name.text, value))
        overridableValues.insert(value)
      } else {
        graph.inputs.append(value)
      }
    }
    graph.constants.reserveCapacity(message.initializers.count + message.sparseInitializers.count)
    for tensor in message.initializers {
      try state.control.check()
      try define(tensor.name, constant: try Tensor(onnx: tensor, folder: state.folder, control: state.control, small: state.small))
    }
    for sparse in message.sparseInitializers {
      try define(sparse.values?.name ?? ONNXName(), constant: try Tensor(onnx: sparse, folder: state.folder, control: state.control, small: state.small))
    }
    let nodes = try sorted(message.nodes, names: parent == nil ? state.nameCount : nil, state.control) { names[$0] != nil }
    for node in nodes {
      try add(node, opsets: opsets, bindings: bindings, names: nil, functionDepth: functionDepth)
    }
    for info in message.outputs {
      try poll.count(128)
      guard var value = resolve(info.name) else { throw .invalidModel("output '\(info.name.text)' is not computed by any node") }
      if isMain { value = try named(value, info.name.text) }
      if graph[value].type == nil { graph[value].type = declaredTypes[info.name] }
      graph.outputs.append(value)
    }
  }

  /// The value under a name of the model's: what a function gives has the name that it has in the function's body.
  private func named(_ value: ValueID, _ name: String) throws(PinionError) -> ValueID {
    guard graph[value].name != name else { return value }
    if graph.constants[value] == nil, !graph.inputs.contains(value), !graph.outputs.contains(value) {
      graph[value].name = name
      return value
    }
    let copy = graph.addValue(name, type: graph[value].type)
    graph.nodes.append(try state.resolver.node("Identity", name: name, inputs: [value], outputs: [copy]))
    return copy
  }

  /// An initializer, which may be the default of an input of its name. Of several with one name the last one counts, as in onnxruntime.
  private func define(_ name: ONNXName, constant: Tensor) throws(PinionError) {
    if let existing = names[name], graph.constants[existing] == nil || isOverridable(existing) {
      if let type = graph[existing].type, !type.admits(constant.type) {
        throw .invalidModel("initializer '\(name.text)' is \(constant.type), the input of its name is declared as \(type)")
      }
      graph.constants[existing] = constant
      // Those that a run may override are no inputs of the graph.
      if !isOverridable(existing) { graph.inputs.removeAll { $0 == existing } }
    } else {
      names[name] = addConstant(constant, name)
    }
  }

  private func addConstant(_ constant: Tensor, _ name: ONNXName) -> ValueID {
    graph.addConstant(constant, name: name.text, type: state.small.declared(constant.type))
  }

  /// Whether a run may give the constant another value.
  private func isOverridable(_ value: ValueID) -> Bool { overridableValues.contains(value) }

  /// The value for a name in this graph; one of an enclosing graph becomes a capture, or a constant if it is one in every run.
  func resolve(_ name: ONNXName) -> ValueID? {
    if let value = names[name] { return value }
    guard let parent, let outer = functionScope?.names[name.number] ?? parent.resolve(name) else { return nil }
    let value: ValueID
    if let constant = parent.graph.constants[outer], !parent.isOverridable(outer) {
      value = addConstant(constant, name)
    } else {
      value = graph.addValue(name.text, type: parent.graph[outer].type)
      graph.captures.append(Capture(inner: value, input: capturedValues.count))
      capturedValues.append(outer)
    }
    names[name] = value
    return value
  }

  // MARK: Nodes

  /// Adds one node, or the body of the function that it calls.
  /// - Parameters:
  ///   - bindings: the attributes of the function call that the node is part of.
  ///   - scope: the names of that function's body; nil in a graph proper.
  private func add(
    _ node: ONNXNode, opsets: OpsetImports, bindings: [String: ONNXAttribute], names scope: FunctionScope?, functionDepth: Int
  ) throws(PinionError) {
    do throws(PinionError) {
      try state.countNode()
      if let function = state.function(node.domain.text, node.opType.text, overload: node.overload) {
        return try inline(function, call: node, bindings: bindings, names: scope, depth: functionDepth, callerOpsets: opsets)
      }
      let (domain, type, isConstant) = state.meaning(of: node)
      if isConstant {
        let tensor = try Tensor(constantNode: node, bindings: bindings, folder: state.folder, control: state.control, small: state.small)
        if let name = node.outputs.first, !name.isEmpty { bind(name, to: addConstant(tensor, name), in: scope) }
        return
      }
      try addOperator(
        node, domain: domain, type, opset: opsets.version(of: domain), opsets: opsets, bindings: bindings, names: scope, functionDepth: functionDepth)
    } catch {
      let domain = ONNXVersions.normalized(node.domain.text)
      throw error.at(
        node: node.name.isEmpty ? node.outputs.first?.text ?? "" : node.name,
        operator: domain.isEmpty ? node.opType.text : "\(domain)::\(node.opType.text)", opset: opsets.version(of: domain))
    }
  }

  /// - Parameter known: the operator of the node's name; nil for none.
  private func addOperator(
    _ node: ONNXNode, domain: String, _ known: (any Operator.Type)?, opset: Int64, opsets: OpsetImports, bindings: [String: ONNXAttribute], names scope: FunctionScope?,
    functionDepth: Int
  ) throws(PinionError) {
    var subgraphs: [Graph] = []
    var captured: [ValueID] = []
    var attributes: [String: AttributeValue] = [:]
    for attribute in node.attributes {
      guard let bound = try resolveReference(attribute, bindings: bindings) else { continue }
      if bound.kind == .graph {
        guard let message = bound.g else { throw .invalidModel("attribute '\(attribute.name)' has no graph") }
        attributes[attribute.name] = .graph(subgraphs.count)
        let builder = GraphBuilder(state, parent: self)
        builder.functionScope = scope
        try builder.build(message, opsets: opsets, bindings: bindings, functionDepth: functionDepth)
        for index in builder.graph.captures.indices { builder.graph.captures[index].input = captured.count + index }
        captured += builder.capturedValues
        subgraphs.append(builder.graph)
      } else {
        attributes[attribute.name] = try AttributeValue(onnx: bound, folder: state.folder, control: state.control, small: state.small)
      }
    }
    var inputs: [NodeDraft.Operand] = []
    inputs.reserveCapacity(node.inputs.count)
    for name in node.inputs {
      guard !name.isEmpty else {
        inputs.append(.none)
        continue
      }
      guard let value = lookUp(name, in: scope) else { throw .invalidModel("input '\(name.text)' is not computed by any node") }
      inputs.append(.value(value))
    }
    var draft = NodeDraft(
      domain: domain, name: node.opType.text, opset: opset, attributes: attributes, inputs: inputs, outputs: node.outputs.map { !$0.isEmpty })
    let nodeName = node.name.isEmpty ? node.outputs.first { !$0.isEmpty }?.text ?? "" : node.name
    guard domain != "" || ONNXVersions.opset.contains(opset) else {
      throw .unsupported("opset \(opset); expected \(ONNXVersions.opset.lowerBound) to \(ONNXVersions.opset.upperBound)")
    }
    guard let type = try known.flatMap({ (type) throws(PinionError) in try draft.adapt(type, state.resolver) }) else {
      state.reportUnsupported(
        PinionError.unsupported("operator is not supported").at(
          node: nodeName, operator: domain.isEmpty ? node.opType.text : "\(domain)::\(node.opType.text)", opset: opset))
      for name in node.outputs where !name.isEmpty { bind(name, to: graph.addValue(name.text), in: scope) }
      return
    }
    let (op, operands) = try graph.make(type, draft, named: nodeName, state.resolver, control: state.control)
    var outputNames = node.outputs
    // Outputs that may come any number of times mean something by their number.
    if !(type.schema.outputs.last?.isVariadic ?? false) || !subgraphs.isEmpty {
      while let last = outputNames.last, last.isEmpty { outputNames.removeLast() }
    }
    let outputs = outputNames.map { name in name.isEmpty ? nil : graph.addValue(name.text, type: declaredTypes[name]) }
    for (name, value) in zip(outputNames, outputs) {
      if let value { bind(name, to: value, in: scope) }
    }
    for index in subgraphs.indices {
      for capture in subgraphs[index].captures.indices { subgraphs[index].captures[capture].input += operands.count }
    }
    var result = Node(
      name: nodeName, op: op, opset: opset, attributes: draft.attributes, inputs: operands, outputs: outputs, subgraphs: subgraphs)
    if !captured.isEmpty { result.inputs += captured.map(Optional.some) }
    graph.nodes.append(result)
  }

  // MARK: Functions

  /// Names of one function call.
  final class FunctionScope {
    /// By the names' numbers.
    var names: [Int: ValueID?] = [:]
  }

  /// The function call in whose body this graph's owner stands: names of the body, for values of the parent's graph.
  @exclusivity(unchecked) fileprivate var functionScope: FunctionScope?

  private func lookUp(_ name: ONNXName, in scope: FunctionScope?) -> ValueID? {
    if let scope { return scope.names[name.number] ?? nil }
    return resolve(name)
  }

  private func bind(_ name: ONNXName, to value: ValueID, in scope: FunctionScope?) {
    if let scope { scope.names[name.number] = .some(value) } else { names[name] = value }
  }

  private func resolveReference(_ attribute: ONNXAttribute, bindings: [String: ONNXAttribute]) throws(PinionError) -> ONNXAttribute? {
    guard !attribute.refAttrName.isEmpty else { return attribute }
    return bindings[attribute.refAttrName]
  }

  private func inline(
    _ function: ONNXFunction, call: ONNXNode, bindings outer: [String: ONNXAttribute], names callerScope: FunctionScope?, depth: Int,
    callerOpsets: OpsetImports
  ) throws(PinionError) {
    guard depth < ImportState.functionDepthLimit else {
      throw .invalidModel("functions call each other more than \(ImportState.functionDepthLimit) levels deep")
    }
    guard call.inputs.count <= function.inputs.count else {
      throw .invalidModel("the call has \(call.inputs.count) inputs, the function takes \(function.inputs.count)")
    }
    var bindings: [String: ONNXAttribute] = [:]
    for attribute in function.attributeDefaults { bindings[attribute.name] = attribute }
    for attribute in call.attributes { bindings[attribute.name] = try resolveReference(attribute, bindings: outer) }
    let scope = FunctionScope()
    for (index, name) in function.inputs.enumerated() {
      if index < call.inputs.count, !call.inputs[index].isEmpty {
        guard let value = lookUp(call.inputs[index], in: callerScope) else {
          throw .invalidModel("input '\(call.inputs[index].text)' is not computed by any node")
        }
        scope.names[name.number] = .some(value)
      } else {
        scope.names[name.number] = .some(nil)
      }
    }
    let opsets = function.opsetImports.isEmpty ? callerOpsets : OpsetImports(function.opsetImports)
    let given = Set(function.inputs.map(\.number))
    for var node in try sorted(function.nodes, names: nil, state.control, isKnown: { given.contains($0.number) }) {
      // An input that the call leaves out is absent in the body as well.
      for index in node.inputs.indices {
        if case .some(.none) = scope.names[node.inputs[index].number] { node.inputs[index] = ONNXName() }
      }
      try add(node, opsets: opsets, bindings: bindings, names: scope, functionDepth: depth + 1)
    }
    for (index, name) in function.outputs.enumerated() where index < call.outputs.count && !call.outputs[index].isEmpty {
      guard let value = scope.names[name.number] ?? nil else { throw .invalidModel("function output '\(name.text)' is not computed") }
      bind(call.outputs[index], to: value, in: callerScope)
    }
  }
}

extension ValueType {
  /// Whether a tensor is of this type: its kind, element type and the extents that are numbers.
  fileprivate func admits(_ type: TensorType) -> Bool {
    guard case .tensor(let element, let dims) = self, element == type.element else { return false }
    guard let dims else { return true }
    return dims.count == type.rank
      && zip(dims, type.dims).allSatisfy { dimension, extent in if case .known(let expected) = dimension { expected == extent } else { true } }
  }
}
