import PinionBase
import PinionTensor

extension NodeDraft {
  /// Brings the draft into its operator's newest form, which may be another operator.
  /// - Returns: the operator; nil where the resolver does not know it.
  public mutating func adapt(_ resolver: any OperatorResolver) throws(PinionError) -> (any Operator.Type)? {
    guard let type = resolver.operatorType(domain: domain, name: name) else { return nil }
    return try adapt(type, resolver)
  }

  /// The same where the operator of the draft's name is known to be `type`.
  public mutating func adapt(_ type: any Operator.Type, _ resolver: any OperatorResolver) throws(PinionError) -> (any Operator.Type)? {
    var type = type
    for _ in 0..<NodeDraft.adaptationLimit {
      let before = (domain, name)
      try type.adapt(&self)
      if before == (domain, name) { return type }
      guard let next = resolver.operatorType(domain: domain, name: name) else { return nil }
      type = next
    }
    throw .internal("operators adapt to each other")
  }

  /// More operators than stand for each other one after the other.
  private static let adaptationLimit = 64
}

extension Graph {
  /// The operator and the inputs of a node in its newest form; nodes that compute inputs are added.
  /// - Parameters:
  ///   - type: what `adapt` found for the draft.
  ///   - nodeName: names nodes that are added.
  ///   - control: the limits of what waits for the node.
  public mutating func make(
    _ type: any Operator.Type, _ draft: NodeDraft, named nodeName: String, _ resolver: any OperatorResolver, control: RunControl = RunControl()
  ) throws(PinionError) -> (op: any Operator, inputs: [ValueID?]) {
    var reader = AttributeReader(draft.attributes, control: control)
    let op = try type.init(&reader)
    try reader.finish()
    var operands: [ValueID?] = []
    operands.reserveCapacity(draft.inputs.count)
    for operand in draft.inputs {
      switch operand {
      case .none: operands.append(nil)
      case .value(let value): operands.append(value)
      case .constant(let tensor): operands.append(addConstant(tensor))
      case .computed(let inner): operands.append(try addComputed(inner, nodeName, resolver))
      }
    }
    if !(type.schema.inputs.last?.isVariadic ?? false) {
      while let last = operands.last, last == nil { operands.removeLast() }
    }
    try type.schema.check(operands: operands)
    return (op, operands)
  }

  /// Adds a node that an operator's older form stands for beside the operator, and gives its output.
  private mutating func addComputed(
    _ draft: NodeDraft, _ nodeName: String, _ resolver: any OperatorResolver
  ) throws(PinionError) -> ValueID {
    guard let type = resolver.operatorType(domain: draft.domain, name: draft.name) else {
      throw .internal("operator \(draft.domain)::\(draft.name) is not there")
    }
    let (op, inputs) = try make(type, draft, named: nodeName, resolver)
    let output = addValue("")
    nodes.append(
      Node(name: nodeName, op: op, opset: type.schema.since, attributes: draft.attributes, inputs: inputs, outputs: [output]))
    return output
  }
}

extension Schema {
  /// Checks that a node's inputs are there in the number that the operator takes.
  public func check(operands: [ValueID?]) throws(PinionError) {
    let inputs = inputs, isVariadic = inputs.last?.isVariadic ?? false
    guard isVariadic || operands.count <= inputs.count else {
      throw .invalidModel("the node has \(operands.count) inputs, the operator takes at most \(inputs.count)")
    }
    for (index, input) in inputs.enumerated() where !input.isOptional {
      guard index < operands.count, operands[index] != nil else { throw .invalidModel("input '\(input.name)' is missing") }
    }
  }

  /// Checks how many outputs a node lists, those with an empty name among them.
  public func check(outputCount count: Int) throws(PinionError) {
    guard count <= outputs.count || outputs.last?.isVariadic ?? false else {
      throw .invalidModel("the node has \(count) outputs, the operator \(outputs.count)")
    }
    let least = (outputs.lastIndex { !$0.isOptional } ?? -1) + 1
    guard count >= least else {
      let names = outputs[..<least].map { "'\($0.name)'" }.joined(separator: ", ")
      throw .invalidModel("the node has \(count) outputs, the operator at least \(least): \(names); one that is not wanted has the empty name")
    }
  }

  /// Checks element types of a node's inputs as far as they are known; see `check(inputs:)`.
  /// - Parameter elements: nil for inputs that are absent, no tensors, or not known.
  public func check(elements: [ElementType?]) throws(PinionError) {
    var first: [Int: (slot: Int, element: ElementType)] = [:]
    for (slot, element) in elements.enumerated() {
      guard let element, let operand = operand(slot, of: inputs) else { continue }
      guard operand.types.contains(element) else {
        throw .invalidShape("input '\(inputName(slot))' is of \(element), expected \(operand.types)")
      }
      guard let variable = operand.variable else { continue }
      guard let (other, expected) = first[variable] else {
        first[variable] = (slot, element)
        continue
      }
      guard compared(element, variable) != compared(expected, variable) else { continue }
      throw .invalidShape("input '\(inputName(slot))' is of \(element), expected \(expected) like input '\(inputName(other))'")
    }
  }
}
