import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// What is known of each value of a graph that grows node by node.
///
/// Extents are numbers, the names of inputs' dimensions, or open. What inference finds holds in every run that succeeds.
package struct KnownTypes {
  private var facts: [Fact] = []
  /// Types of values that are no tensors.
  private var others: [ValueID: ValueType] = [:]
  private let symbols: Symbols

  /// - Parameter outer: what is known of the graph around this one, so that a dimension has the same name in both.
  package init(outer: KnownTypes? = nil) { symbols = outer?.symbols ?? Symbols() }

  /// What is known of a value that has no node: an input, a constant, or one of the graph around.
  package mutating func declare(_ value: ValueID, _ type: ValueType?, constant: Tensor? = nil) {
    if let constant {
      set(value, Fact(constant: constant))
    } else {
      set(value, type)
    }
  }

  /// What the graph around knows of a value that is captured.
  package mutating func capture(_ value: ValueID, _ outer: ValueID, of types: KnownTypes) {
    if let other = types.others[outer] { others[value] = other } else { set(value, types.fact(outer)) }
  }

  /// The type, as far as it is known; nil where not even the kind is.
  package func type(_ value: ValueID) -> ValueType? {
    if let other = others[value] { return other }
    return type(of: fact(value))
  }

  /// The type without names that only this graph knows, to be merged with others.
  private func type(of fact: Fact) -> ValueType? {
    guard let element = fact.element else { return nil }
    return .tensor(element, dims: fact.dims?.map(dimension))
  }

  private func dimension(_ extent: Int?) -> Dimension {
    guard let extent else { return .unknown }
    if extent >= 0 { return .known(extent) }
    return symbols.name(of: extent).map(Dimension.symbol) ?? .unknown
  }

  func fact(_ value: ValueID) -> Fact { value.index < facts.count ? facts[value.index] : Fact() }

  private mutating func set(_ value: ValueID, _ fact: Fact) {
    while facts.count <= value.index { facts.append(Fact()) }
    facts[value.index] = fact
  }

  private mutating func set(_ value: ValueID, _ type: ValueType?) {
    switch type {
    case nil: return
    case .tensor?: set(value, Fact(declared: type, symbols))
    case let type?: others[value] = type
    }
  }

  // MARK: Nodes

  /// Finds the types of a node's outputs.
  /// - Parameter subgraphs: what is known of the values of each of the node's subgraphs.
  /// - Throws: what is wrong with the node for certain, whatever the open extents are.
  package mutating func infer(_ node: Node, constants: ConstantTable, subgraphs: [KnownTypes]) throws(PinionError) {
    let own = node.inputs.prefix(node.formalInputCount)
    try checkKinds(node)
    let elements = own.map { $0.flatMap { others[$0] == nil ? fact($0).element : nil } }
    try node.schema.check(elements: elements)
    try node.op.elementJudging?.check(elements: elements)
    let types: [ValueType?]
    if !node.subgraphs.isEmpty {
      let known = zip(node.subgraphs, subgraphs).map { graph, known in
        SubgraphTypes(takes: graph.inputs.map(known.type), gives: graph.outputs.map(known.type))
      }
      types = try node.controlTypes(known, inputs: own.map { $0.flatMap(type) })
    } else if node.inputs.contains(where: { $0.flatMap { others[$0] } != nil }) || node.op is any ValueTyping {
      guard let op = node.op as? any ValueTyping else { return inferTensors(node, constants, exact: nil) }
      types = op.outputTypes(inputs: own.map { $0.flatMap(type) })
    } else {
      return inferTensors(node, constants, exact: try exactTypes(node, constants))
    }
    for (slot, output) in node.outputs.enumerated() {
      guard let output else { continue }
      if slot < types.count, let type = types[slot] { set(output, type) } else { inferTensor(node, slot, output) }
    }
  }

  /// What is found where nothing may fail: the same, or nothing.
  package mutating func inferIfPossible(_ node: Node, constants: ConstantTable, subgraphs: [KnownTypes]) {
    do { try infer(node, constants: constants, subgraphs: subgraphs) } catch {
      for (slot, output) in node.outputs.enumerated() { if let output { inferTensor(node, slot, output) } }
    }
  }

  /// An operand that declares its types takes tensors, one that declares none takes no tensors. Operators that pass any value on, or ask
  /// about it, declare all types.
  private func checkKinds(_ node: Node) throws(PinionError) {
    guard node.subgraphs.isEmpty else { return }
    for (slot, input) in node.inputs.prefix(node.formalInputCount).enumerated() {
      guard let input, let type = type(input), let operand = node.schema.operand(slot, of: node.schema.inputs) else { continue }
      let isTensor = if case .tensor = type { true } else { false }
      if isTensor, !operand.isConstrained {
        throw .invalidShape("input '\(operand.name)' is \(type), expected a sequence, an optional or a map")
      }
      if !isTensor, operand.isConstrained, !Swift.type(of: node.op).runsOutsidePlans || operand.types != .all {
        throw .invalidShape("input '\(operand.name)' is \(type), expected a tensor")
      }
    }
  }

  /// The types of the outputs, where those of all inputs are known in full; nil elsewhere.
  private func exactTypes(_ node: Node, _ constants: ConstantTable) throws(PinionError) -> [TensorType]? {
    var types: [TensorType?] = [], values: [Tensor?] = []
    for input in node.inputs {
      guard let input else {
        types.append(nil)
        values.append(nil)
        continue
      }
      let fact = fact(input)
      guard let type = fact.type else {
        try checkOpenExtents(node, constants)
        return nil
      }
      types.append(type)
      values.append(constants[input] ?? fact.tensor)
    }
    do throws(PinionError) {
      return try node.op.outputTypes(
        InferenceContext(schema: node.schema, inputs: types, values: values, outputCount: node.outputs.count))
    } catch {
      if error.code == .dataDependent { return nil }
      throw error
    }
  }

  private mutating func inferTensors(_ node: Node, _ constants: ConstantTable, exact: [TensorType]?) {
    var rules: [Fact] = []
    if exact?.contains(where: { Fact.hasValues($0.element, $0.dims) }) ?? true {
      rules = node.op.facts(
        FactContext(
          inputs: node.inputs.map { $0.map(fact) }, constants: node.inputs.map { $0.flatMap { constants[$0] } },
          outputCount: node.outputs.count, symbols: symbols))
    }
    for (slot, output) in node.outputs.enumerated() {
      guard let output else { continue }
      var fact = slot < rules.count ? rules[slot] : Fact()
      if let exact, slot < exact.count {
        fact.element = exact[slot].element
        fact.dims = exact[slot].dims
      }
      if fact.element == nil { fact.element = declaredElement(node, slot) }
      set(output, fact.consistent)
    }
  }

  /// What the operator's declaration alone says of an output.
  private mutating func inferTensor(_ node: Node, _ slot: Int, _ output: ValueID) {
    set(output, Fact(element: declaredElement(node, slot)))
  }

  private func declaredElement(_ node: Node, _ slot: Int) -> ElementType? {
    node.schema.element(ofOutput: slot, inputs: node.inputs.prefix(node.formalInputCount).map { $0.flatMap { fact($0).element } })
  }
}
