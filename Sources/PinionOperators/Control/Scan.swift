import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Runs its body once for each position along an axis of the scan inputs; states are carried from step to step, scan outputs are
/// joined along an axis.
///
/// The body maps (states..., slices...) to (states..., slices...). Of opset 8 there is a form with a batch axis in front, which
/// runs the body for each member of the batch.
package struct Scan: SubgraphTyping {
  package static let schema = Schema(
    "Scan", since: 25, inputs: ["initial_state_and_scan_inputs...: all"], outputs: ["final_state_and_scan_outputs...: all"])

  /// The form of opset 8, which `adapt` marks with an attribute of our own.
  enum Batch: Int { case none, whole, withLengths }

  let body: Int
  let scanInputCount: Int
  let batch: Batch
  let inputAxes: [Int64]
  let inputDirections: [Int64]
  let outputAxes: [Int64]
  let outputDirections: [Int64]

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 9 else { return }
    node.attributes["scan_input_directions"] = node.attributes.removeValue(forKey: "directions")
    node.attributes["batch"] = .int(Int64((node.has(input: 0) ? Batch.withLengths : .whole).rawValue))
    if !node.has(input: 0), !node.inputs.isEmpty { node.inputs.removeFirst() }
  }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    body = try attributes.subgraph("body")
    scanInputCount = try attributes.int("num_scan_inputs", in: 1...Int64(Int32.max))
    batch = Batch(rawValue: try attributes.int("batch", default: 0, in: 0...2)) ?? .none
    inputAxes = try attributes.ints("scan_input_axes", default: [])
    inputDirections = try attributes.ints("scan_input_directions", default: [])
    outputAxes = try attributes.ints("scan_output_axes", default: [])
    outputDirections = try attributes.ints("scan_output_directions", default: [])
    for list in [inputAxes, inputDirections] where !list.isEmpty && list.count != scanInputCount {
      throw .invalidModel("\(list.count) axes or directions for \(scanInputCount) scan inputs")
    }
    for direction in inputDirections + outputDirections where direction != 0 && direction != 1 {
      throw .invalidModel("scan direction \(direction), expected 0 or 1")
    }
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    var values: [Value] = []
    for (index, input) in inputs.enumerated() {
      guard let input else { throw .invalidModel("input \(index) is missing") }
      values.append(input)
    }
    var lengths: Tensor?
    if batch == .withLengths, !values.isEmpty { lengths = try values.removeFirst().asTensor() }
    guard values.count >= scanInputCount else {
      throw .invalidModel("the node has \(values.count) inputs, of which \(scanInputCount) are to be scanned")
    }
    let states = Array(values.dropLast(scanInputCount))
    var scanned: [Tensor] = []
    for value in values.suffix(scanInputCount) { scanned.append(try value.asTensor()) }
    guard batch != .none else { return try scan(states, scanned, steps: nil, context) }
    return try scanBatch(states, scanned, lengths: lengths, context)
  }

  /// One run over the scan inputs.
  /// - Parameter steps: fewer steps than the inputs have positions; the rest of the scan outputs is zero.
  private func scan(_ initial: [Value], _ scanned: [Tensor], steps: Int?, _ context: EagerContext) throws(PinionError) -> [Value] {
    var slices: [AxisSlices] = []
    for (index, tensor) in scanned.enumerated() {
      slices.append(AxisSlices(tensor, axis: try tensor.shape.normalized(axis: inputAxes.isEmpty ? 0 : inputAxes[index])))
    }
    let length = slices.first?.extent ?? 0
    for (index, slice) in slices.enumerated() where slice.extent != length {
      throw .invalidShape("scan input \(index) is \(slice.tensor.type) with \(slice.extent) steps, scan input 0 has \(length)")
    }
    let count = steps ?? length
    guard count <= length else { throw .invalidValue("sequence length \(count), but the scan inputs have \(length) steps") }

    for index in slices.indices where !inputDirections.isEmpty && inputDirections[index] == 1 { slices[index].last = count - 1 }

    guard let subgraphs = context.subgraphs else { throw .internal("Scan has no body") }
    let outputCount = subgraphs.outputCount(subgraph: body)
    guard outputCount >= initial.count else {
      throw .invalidModel("the body has \(outputCount) outputs, expected at least \(initial.count)")
    }
    let scanOutputCount = outputCount - initial.count
    for list in [outputAxes, outputDirections] where !list.isEmpty && list.count != scanOutputCount {
      throw .invalidModel("\(list.count) axes or directions for \(scanOutputCount) scan outputs")
    }
    var states = initial
    var outputs = [AxisSlices?](repeating: nil, count: scanOutputCount)
    var owners: [AnyObject?] = []
    var steady: SteadySteps?
    // How often a plan may still turn out not to be all there is to run, before nobody looks any more.
    var attempts = 4
    for step in 0..<count {
      try context.control.check()
      try context.control.takeSteps(1)
      if let steps = steady {
        if try steps.run(step) { continue }
        states = steps.states
        steady = nil
      }
      var parts: [Tensor] = []
      for slice in slices { parts.append(try slice.read(step, context)) }
      let results = try context.run(subgraph: body, inputs: states + parts.map(Value.tensor))
      guard results.count == outputCount else { throw .internal("the body gave \(results.count) outputs, expected \(outputCount)") }
      for index in 0..<scanOutputCount {
        let result = try results[initial.count + index].asTensor()
        let output: AxisSlices
        if let known = outputs[index] {
          output = known
        } else {
          output = try makeOutput(index, result.type, length: length, steps: count, context)
          outputs[index] = output
        }
        guard output.item == result.type else {
          throw .invalidShape("scan output \(index) is \(result.type) in step \(step) and was \(output.item) before")
        }
        try output.write(result.data, step, context)
        if result.element == .string { owners.append(result.owner) }
      }
      let next = Array(results.prefix(initial.count))
      if attempts > 0, step + 1 < count, let tensors = next.plainTensors, states.plainTensors?.map(\.type) == tensors.map(\.type) {
        steady = try SteadySteps(body, from: step + 1, tensors, slices, outputs.compactMap { $0 }, context)
        if steady == nil { attempts -= 1 }
      }
      states = steady == nil ? next : []
    }
    if let steady { states = steady.states }
    if count == 0 {
      let items = slices.map { ValueType($0.item) }
      let types = subgraphs.outputTypes(subgraph: body, inputs: initial.map(\.type) + items)
      try context.control.check()
      for (index, type) in types.suffix(scanOutputCount).enumerated() {
        outputs[index] = try makeOutput(index, try emptyItem(type, name: "scan output \(index)"), length: length, steps: 0, context)
      }
    }
    for case let output? in outputs { states.append(.tensor(output.tensor.keepingAlive(owners))) }
    return states
  }

  private func makeOutput(
    _ index: Int, _ item: TensorType, length: Int, steps: Int, _ context: EagerContext
  ) throws(PinionError) -> AxisSlices {
    let axis = try item.shape.normalized(axis: outputAxes.isEmpty ? 0 : outputAxes[index], limit: item.rank + 1)
    var dims = item.dims
    dims.insert(length, at: axis)
    let tensor = try context.allocate(item.element, dims)
    if steps < length {
      try inPieces(of: 1 << 20, tensor.byteCount, context.control) { range in
        (tensor.data + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
      }
    }
    var output = AxisSlices(tensor, axis: axis)
    if !outputDirections.isEmpty, outputDirections[index] == 1 { output.last = length - 1 }
    return output
  }

  private func scanBatch(
    _ states: [Value], _ scanned: [Tensor], lengths: Tensor?, _ context: EagerContext
  ) throws(PinionError) -> [Value] {
    var batched: [AxisSlices] = []
    for value in states { batched.append(try batchSlices(try value.asTensor())) }
    for tensor in scanned { batched.append(try batchSlices(tensor)) }
    let members = batched.first?.extent ?? 0
    for slices in batched where slices.extent != members {
      throw .invalidShape("an input is \(slices.tensor.type), expected a batch of \(members)")
    }
    if let lengths, lengths.count != members { throw .invalidShape("\(lengths.count) sequence lengths for a batch of \(members)") }
    let outputCount = context.subgraphs?.outputCount(subgraph: body) ?? 0
    var stacks = (0..<outputCount).map { StackedOutput(name: "output \($0)") }
    for member in 0..<members {
      // A member may have no step that would ask.
      try context.control.check()
      try context.control.takeSteps(1)
      var slices: [Tensor] = []
      for slice in batched { slices.append(try slice.read(member, context)) }
      var steps: Int?
      if let lengths {
        let length = try lengths.integer(at: member)
        guard length >= 0 else { throw .invalidValue("sequence length \(length) is negative") }
        steps = Int(clamping: length)
      }
      let results = try scan(
        slices.prefix(states.count).map(Value.tensor), Array(slices.suffix(scanned.count)), steps: steps, context)
      for (index, result) in results.enumerated() { try stacks[index].append(result, expected: members, context) }
    }
    var outputs: [Value] = []
    if members > 0 {
      for stack in stacks { outputs.append(.tensor(try stack.joined())) }
    } else {
      outputs = try emptyBatch(Array(batched.prefix(states.count)), Array(batched.suffix(scanned.count)), stacks, context)
    }
    return outputs
  }

  /// The outputs for a batch without members.
  private func emptyBatch(
    _ states: [AxisSlices], _ scanned: [AxisSlices], _ stacks: [StackedOutput], _ context: EagerContext
  ) throws(PinionError) -> [Value] {
    var items: [ValueType] = []
    var length = 0
    for slice in states { items.append(ValueType(slice.item)) }
    for slice in scanned {
      guard let steps = slice.item.dims.first else { throw .invalidShape("an input is \(slice.tensor.type), expected an axis to scan") }
      length = steps
      items.append(.tensor(slice.item.element, dims: slice.item.dims.dropFirst().map(Dimension.known)))
    }
    let types = context.subgraphs?.outputTypes(subgraph: body, inputs: items) ?? []
    try context.control.check()
    var outputs: [Value] = []
    for (index, type) in types.enumerated() {
      var item = try emptyItem(type, name: stacks[index].name)
      if index >= states.count { item = TensorType(item.element, try Shape([length] + item.dims)) }
      outputs.append(.tensor(try context.allocate(item.element, [0] + item.dims)))
    }
    return outputs
  }

  package func outputTypes(inputs: [ValueType?], subgraph: (_ index: Int, _ inputs: [ValueType?]) -> [ValueType?]) -> [ValueType?] {
    guard batch == .none, inputs.count >= scanInputCount else { return [] }
    let states = Array(inputs.dropLast(scanInputCount))
    var length: Int?
    var items: [ValueType?] = []
    for (index, type) in inputs.suffix(scanInputCount).enumerated() {
      guard case .tensor(let element, var dims?)? = type,
        let axis = try? Shape.scalar.normalized(axis: inputAxes.isEmpty ? 0 : inputAxes[index], limit: dims.count)
      else { return states }
      if case .known(let extent) = dims.remove(at: axis) { length = extent }
      items.append(.tensor(element, dims: dims))
    }
    let all = subgraph(body, states + items), results = all.dropFirst(states.count)
    return states.asHandedOn(Array(all.prefix(states.count))) + results.enumerated().map { index, item in
      guard case .tensor(_, let dims?)? = item,
        let axis = try? Shape.scalar.normalized(axis: outputAxes.count > index ? outputAxes[index] : 0, limit: dims.count + 1)
      else { return nil }
      return item?.stacked(length ?? 0, axis: axis)
    }
  }

  private func batchSlices(_ tensor: Tensor) throws(PinionError) -> AxisSlices {
    guard tensor.shape.rank > 0 else { throw .invalidShape("an input is \(tensor.type), expected a batch axis") }
    return AxisSlices(tensor, axis: 0)
  }
}

/// Steps whose states keep their types, run from the scan inputs and into the scan outputs.
private final class SteadySteps {
  private let body: SteadyBody
  private let context: EagerContext
  private let slices: [AxisSlices]
  private let outputs: [AxisSlices]
  /// What a step reads and writes where elements do not lie together.
  private let parts: [Tensor]
  private let rows: [Tensor]
  private let stateCount: Int

  /// - Returns: nil where the body is to be run otherwise.
  init?(
    _ body: Int, from step: Int, _ states: [Tensor], _ slices: [AxisSlices], _ outputs: [AxisSlices], _ context: EagerContext
  ) throws(PinionError) {
    guard outputs.allSatisfy({ $0.item.element != .string }) else { return nil }
    var parts: [Tensor] = [], rows: [Tensor] = []
    for slice in slices { parts.append(try slice.read(step, context)) }
    for output in outputs {
      if let elements = output.elements(step) {
        rows.append(Tensor(output.item, data: elements, owner: output.tensor.owner))
      } else {
        rows.append(try context.allocate(output.item))
      }
    }
    let prepared = try SteadyBody(body, inputs: states + parts, carried: 0..<states.count, results: states, rows: rows, context)
    guard let prepared else { return nil }
    (self.body, self.context, self.slices, self.outputs) = (prepared, context, slices, outputs)
    (self.parts, self.rows, stateCount) = (parts, rows, states.count)
  }

  var states: [Value] { body.carried.map(Value.tensor) }

  /// - Returns: false, with nothing done, where the body is to be run otherwise from this step on.
  func run(_ step: Int) throws(PinionError) -> Bool {
    for index in slices.indices {
      if let elements = slices[index].elements(step) {
        body.move(input: stateCount &+ index, to: elements)
      } else {
        try slices[index].gather(step, into: parts[index].data, context)
      }
    }
    for index in outputs.indices { if let elements = outputs[index].elements(step) { body.move(row: index, to: elements) } }
    guard try body.run() else { return false }
    for index in outputs.indices where outputs[index].elements(step) == nil { try outputs[index].write(rows[index].data, step, context) }
    return true
  }
}
