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
    let ownCount = 1 + carried.count
    var stacks = (0..<scanCount).map { StackedOutput(name: "scan output \($0)") }

    var iteration: Int64 = 0
    let expected = Int(clamping: limit)
    var counter = try context.scalar(Int64(0))
    let condition = try context.scalar(true)
    var steady: SteadyBody?
    // How often a plan may still turn out not to be all there is to run, before nobody looks any more.
    var attempts = 4
    while isGoingOn, iteration < limit {
      try context.control.check()
      try context.control.takeSteps(1)
      if let body = steady {
        counter.data.storeBytes(of: iteration, as: Int64.self)
        for index in stacks.indices { body.move(row: index, to: try stacks[index].next(expected: expected, context).data) }
        if try body.run() {
          for index in stacks.indices { stacks[index].take() }
          isGoingOn = body.results[0].data.load(as: UInt8.self) != 0
          iteration &+= 1
          continue
        }
        carried = body.carried.map(Value.tensor)
        steady = nil
      }
      // Results may hold the number of an iteration.
      if iteration > 0 { counter = try context.scalar(iteration) }
      var results = try context.run(subgraph: body, inputs: [.tensor(counter), .tensor(condition)] + carried)
      guard results.count == ownCount + scanCount else {
        throw .internal("the body gave \(results.count) outputs, expected \(ownCount + scanCount)")
      }
      for index in stacks.indices {
        try stacks[index].append(results[ownCount + index], expected: expected, context)
      }
      results.removeLast(scanCount)
      isGoingOn = try truthValue(results[0], "the body's condition")
      iteration &+= 1
      if attempts > 0, isGoingOn, iteration < limit, let before = carried.plainTensors, let tensors = results.plainTensors,
        zip(before, tensors.dropFirst()).allSatisfy({ $0.type == $1.type }), stacks.allSatisfy(\.isPlain)
      {
        counter = try context.scalar(iteration)
        var rows: [Tensor] = []
        for index in stacks.indices { rows.append(try stacks[index].next(expected: expected, context)) }
        steady = try SteadyBody(
          body, inputs: [counter, condition] + tensors.dropFirst(), carried: 2..<1 + ownCount, results: tensors, rows: rows, context)
        if steady == nil { attempts -= 1 }
      }
      carried = steady == nil ? Array(results.dropFirst()) : []
    }
    if let steady { carried = steady.carried.map(Value.tensor) }

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
