import PinionBase
import PinionTensor

extension Graph {
  /// Checks everything that passes, planner and executor rely on; linear in the size of the graph.
  /// - Throws: `.invalidModel` that names the value or node.
  /// - Parameter control: polled at each node and value.
  public func verify(_ control: RunControl = RunControl()) throws(PinionError) {
    var poll = Poll(control)
    try verify(ownerInputs: nil, &poll)
  }

  /// - Parameter ownerInputs: the inputs of the node whose subgraph this is.
  private func verify(ownerInputs: Range<Int>?, _ poll: inout Poll) throws(PinionError) {
    var isDefined = [Bool](repeating: false, count: values.count)
    func check(_ value: ValueID, _ role: String) throws(PinionError) {
      guard value.index >= 0, value.index < values.count else {
        throw .invalidModel("graph '\(name)': \(role) is value \(value.index) of \(values.count)")
      }
    }
    func define(_ value: ValueID, _ role: @autoclosure () -> String) throws(PinionError) {
      try check(value, role())
      guard !isDefined[value.index] else { throw .invalidModel("graph '\(name)': \(role()) '\(self[value].name)' is defined already") }
      isDefined[value.index] = true
    }
    for input in inputs { try define(input, "input") }
    for (value, tensor) in constants {
      try poll.count(16)
      try define(value, "constant")
      guard case .tensor(let element, _)? = self[value].type else { continue }
      guard element == tensor.element else {
        throw .invalidModel("constant '\(self[value].name)' is \(tensor.type), declared as \(element)")
      }
    }
    guard captures.isEmpty || ownerInputs != nil else { throw .invalidModel("graph '\(name)' captures values and has no owner") }
    for capture in captures {
      try define(capture.inner, "captured value")
      guard let ownerInputs, ownerInputs.contains(capture.input) else {
        throw .invalidModel("graph '\(name)': captured value '\(self[capture.inner].name)' is input \(capture.input) of its owner")
      }
    }
    for node in nodes {
      do throws(PinionError) {
        try poll.count(64 &+ 4 &* (node.inputs.count &+ node.outputs.count))
        for case let input? in node.inputs {
          try check(input, "input")
          guard isDefined[input.index] else { throw .invalidModel("input '\(self[input].name)' is used before it is defined") }
        }
        try node.verifyOperands()
        for subgraph in node.subgraphs { try subgraph.verify(ownerInputs: node.formalInputCount..<node.inputs.count, &poll) }
        for case let output? in node.outputs { try define(output, "output") }
      } catch { throw node.locate(error) }
    }
    for output in outputs {
      try check(output, "output")
      guard isDefined[output.index] else { throw .invalidModel("graph '\(name)': output '\(self[output].name)' is not computed") }
    }
  }
}

extension Node {
  fileprivate func verifyOperands() throws(PinionError) {
    guard formalInputCount >= 0, formalInputCount <= inputs.count else {
      throw .invalidModel("the node has \(inputs.count) inputs, \(formalInputCount) of them its own")
    }
    guard formalInputCount == inputs.count || !subgraphs.isEmpty else { throw .invalidModel("a node without subgraphs captures values") }
    guard inputs[formalInputCount...].allSatisfy({ $0 != nil }) else { throw .invalidModel("a captured value is absent") }
    let schema = schema
    try verify(count: formalInputCount, schema.inputs, "inputs") { $0 < formalInputCount && inputs[$0] != nil }
    // Importer and passes may leave out any output that nobody reads, so only the number is checked.
    try verify(count: outputs.count, schema.outputs, "outputs") { _ in true }
    for (name, value) in attributes {
      guard case .graph(let index) = value else { continue }
      guard subgraphs.indices.contains(index) else { throw .invalidModel("attribute '\(name)' is subgraph \(index) of \(subgraphs.count)") }
    }
  }

  private func verify(
    count: Int, _ operands: [Schema.Operand], _ what: String, isThere: (Int) -> Bool
  ) throws(PinionError) {
    guard count <= operands.count || operands.last?.isVariadic == true else {
      throw .invalidModel("the node has \(count) \(what), the operator \(operands.count)")
    }
    for (index, operand) in operands.enumerated() where !operand.isOptional && !isThere(index) {
      throw .invalidModel("'\(operand.name)' is missing")
    }
  }
}
