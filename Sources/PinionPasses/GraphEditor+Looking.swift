import PinionGraph
import PinionTensor

/// What rules ask about a node and what feeds it.
extension GraphEditor {
  /// The operator of the node with its attributes, if it is of this type.
  func op<O: Operator>(_ index: Int, _ type: O.Type) -> O? {
    // A cast takes longer than most of what rules ask.
    func opened<P: Operator>(_ op: P) -> O? { P.self == O.self ? unsafeBitCast(op, to: O.self) : nil }
    return kind(index) == type ? opened(graph.nodes[index].op) : nil
  }

  /// The node that makes the value, if its operator is this one, or one of these.
  func producer(_ value: ValueID?, _ operator: any Operator.Type) -> Int? {
    guard let index = producer(value), kind(index) == `operator` else { return nil }
    return index
  }

  func producer(_ value: ValueID?, _ first: any Operator.Type, _ others: any Operator.Type...) -> Int? {
    guard let index = producer(value) else { return nil }
    let kind = kind(index)
    return kind == first || others.contains { $0 == kind } ? index : nil
  }

  /// The node that makes the value, if its operator is this one, or one of these, and nobody else reads the value.
  func soleProducer(_ value: ValueID?, _ operator: any Operator.Type) -> Int? {
    guard let value, useCount(value) == 1 else { return nil }
    return producer(value, `operator`)
  }

  func soleProducer(_ value: ValueID?, _ first: any Operator.Type, _ others: any Operator.Type...) -> Int? {
    guard let value, useCount(value) == 1, let index = producer(value) else { return nil }
    let kind = kind(index)
    return kind == first || others.contains { $0 == kind } ? index : nil
  }

  /// The input of a node, nil for an absent one.
  func input(_ node: Int, _ slot: Int) -> ValueID? {
    slot < graph.nodes[node].formalInputCount ? graph.nodes[node].inputs[slot] : nil
  }

  /// The input of a node of two inputs that is not `value`; nil where both are.
  func other(_ node: Int, than value: ValueID) -> ValueID? {
    let inputs = graph.nodes[node].inputs
    guard inputs.count == 2 else { return nil }
    if inputs[0] == value { return inputs[1] == value ? nil : inputs[1] }
    return inputs[1] == value ? inputs[0] : nil
  }

  /// The constant input and the other one of a node of two inputs; nil where not exactly one is constant.
  func constantAndOther(_ node: Int) -> (constant: Tensor, constantSlot: Int, other: ValueID)? {
    let inputs = graph.nodes[node].inputs
    guard inputs.count == 2, let a = inputs[0], let b = inputs[1] else { return nil }
    switch (constant(a), constant(b)) {
    case (let constant?, nil): return (constant, 0, b)
    case (nil, let constant?): return (constant, 1, a)
    default: return nil
    }
  }
}

/// Lets a switch over an operator's type name operators.
func ~= (pattern: any Operator.Type, kind: (any Operator.Type)?) -> Bool { pattern == kind }
