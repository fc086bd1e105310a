import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Runs its body while a condition holds and at most M times. Values are carried from iteration to iteration, or joined along a
/// new outermost axis ("scan outputs").
///
/// The body maps (iteration, condition, carried...) to (condition, carried..., scan outputs...).
package struct Loop: SubgraphTyping, CourseTelling {
  package static let schema = Schema(
    "Loop", since: 25, inputs: ["M?: int64", "cond?: bool", "v_initial...?: all"], outputs: ["v_final_and_scan_outputs...: all"])
  package let body: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    body = try attributes.subgraph("body")
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let limit = try limit(inputs)
    var isGoingOn = try isStarting(inputs)

    var carried: [Value] = []
    for (index, input) in inputs.dropFirst(2).enumerated() {
      guard let input else { throw .invalidModel("loop-carried input \(index) is missing") }
      carried.append(input)
    }
    guard let subgraphs = context.subgraphs else { throw .internal("Loop has no body") }
    let scanCount = subgraphs.outputCount(subgraph: body) - 1 - carried.count
    guard scanCount >= 0 else {
      throw .invalidModel("the body has \(subgraphs.outputCount(subgraph: body)) outputs, expected at least \(1 + carried.count)")
    }
    var stacks = (0..<scanCount).map { StackedOutput(name: "scan output \($0)") }

    var iteration: Int64 = 0
    let expected = Int(clamping: limit)
    var memory = try CarriedMemory(context)
    // The types of what the last iteration gave, where it was given the same.
    var steady: [TensorType]?
    while isGoingOn, iteration < limit {
      try context.control.check()
      try context.control.takeSteps(1)
      if let types = steady, let results = try runInPlace(iteration, carried, types, &memory, &stacks, expected: expected, context) {
        isGoingOn = try truthValue(.tensor(results[0]), "the body's condition")
        carried = results.dropFirst().map(Value.tensor)
        iteration &+= 1
        continue
      }
      let arguments = [.tensor(try context.scalar(iteration)), .tensor(try context.scalar(isGoingOn))] + carried
      var results = try context.run(subgraph: body, inputs: arguments)
      guard results.count == 1 + carried.count + scanCount else {
        throw .internal("the body gave \(results.count) outputs, expected \(1 + carried.count + scanCount)")
      }
      for index in stacks.indices {
        try stacks[index].append(results[1 + carried.count + index], expected: expected, context)
      }
      results.removeLast(scanCount)
      steady = Loop.steadyTypes(carried, results)
      isGoingOn = try truthValue(results.removeFirst(), "the body's condition")
      carried = results
      iteration &+= 1
    }

    var outputs = carried
    if iteration == 0 {
      let types = subgraphs.outputTypes(subgraph: body, inputs: Loop.bodyInputs(carried.map(\.type)))
      try context.control.check()
      for (stack, type) in zip(stacks, types.suffix(scanCount)) { outputs.append(.tensor(try stack.empty(type, context))) }
    } else {
      for stack in stacks { outputs.append(.tensor(try stack.joined())) }
    }
    return outputs
  }

  /// The types of a body's condition and carried values, where it was given carried values of the same types.
  private static func steadyTypes(_ carried: [Value], _ results: [Value]) -> [TensorType]? {
    var types: [TensorType] = []
    for (index, result) in results.enumerated() {
      guard let tensor = result.plainTensor, index == 0 || carried[index - 1].plainTensor?.type == tensor.type else { return nil }
      types.append(tensor.type)
    }
    return types
  }

  /// Runs an iteration into memory of the loop's own, where the body has a plan for that.
  /// - Returns: the condition and the carried values; nil, with nothing run, where there is no such plan.
  private func runInPlace(
    _ iteration: Int64, _ carried: [Value], _ types: [TensorType], _ memory: inout CarriedMemory, _ stacks: inout [StackedOutput],
    expected: Int, _ context: EagerContext
  ) throws(PinionError) -> [Tensor]? {
    guard let subgraphs = context.subgraphs else { return nil }
    var inputs = memory.arguments(iteration)
    for value in carried {
      guard let tensor = value.plainTensor else { return nil }
      inputs.append(tensor)
    }
    let results = try memory.next(types, context)
    var outputs = results
    for index in stacks.indices {
      guard let row = try stacks[index].next(expected: expected, context) else { return nil }
      outputs.append(row)
    }
    guard try subgraphs.runInPlace(subgraph: body, inputs: inputs, outputs: outputs) else { return nil }
    for index in stacks.indices { stacks[index].take() }
    return results
  }

  package var decidingInputs: [Int] { [0, 1] }

  package func course(_ values: [Tensor?]) throws(PinionError) -> Course {
    let inputs = values.map { $0.map(Value.tensor) }
    return .loop(body: body, count: try isStarting(inputs) ? Int(clamping: max(try limit(inputs), 0)) : 0)
  }

  private func limit(_ inputs: [Value?]) throws(PinionError) -> Int64 {
    guard let value = inputs.first ?? nil else { return .max }
    let tensor = try value.asTensor()
    guard tensor.count == 1 else { throw .invalidShape("input 'M' has \(tensor.count) elements, expected 1") }
    return try tensor.integers()[0]
  }

  private func isStarting(_ inputs: [Value?]) throws(PinionError) -> Bool {
    guard inputs.count > 1, let value = inputs[1] else { return true }
    return try truthValue(value, "input 'cond'")
  }

  private static func bodyInputs(_ carried: [ValueType?]) -> [ValueType?] { [.tensor(.int64, dims: []), .tensor(.bool, dims: [])] + carried }

  package func outputTypes(inputs: [ValueType?], subgraph: (_ index: Int, _ inputs: [ValueType?]) -> [ValueType?]) -> [ValueType?] {
    let carried = Array(inputs.dropFirst(2))
    let all = subgraph(body, Loop.bodyInputs(carried)), items = all.dropFirst(1 + carried.count)
    return carried.asHandedOn(Array(all.dropFirst().prefix(carried.count))) + items.map { $0?.stacked(0, axis: 0) }
  }
}

extension [ValueType?] {
  /// Types of carried values behind a loop: a value whose shape the body changes has one that only a run tells.
  func asHandedOn(_ results: [ValueType?]) -> [ValueType?] {
    guard results.count == count else { return self }
    return zip(self, results).map { start, result in
      guard case .tensor(let element, let dims?)? = start, case .tensor(element, let others?)? = result else { return start }
      let isChanged = dims.count != others.count || zip(dims, others).contains { one, other in
        if case .known(let a) = one, case .known(let b) = other { a != b } else { false }
      }
      return isChanged ? .tensor(element, dims: nil) : start
    }
  }
}
