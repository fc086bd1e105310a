import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Values that follow from a plan's inputs, computed when a shape depends on one.
///
/// A run knows nothing but types when it is planned, so these do not become constants of the plan: it has the same nodes whether they are
/// known or not.
final class ShapeValues {
  /// Elements and operations that one plan may spend on values: far more than arithmetic on shapes takes, far less than a model's work.
  private static let effort = 1 << 20

  /// What the values count against as long as they are there.
  let control: RunControl
  private let program: Program
  private lazy var producers = program.graph.producers()
  private var known: [ValueID: Tensor] = [:]
  private let fed: (ValueID) -> Tensor?
  private var spent = 0
  private let enclosing: Enclosing?
  /// What the first output has to be for the program, a loop's body, to be run again.
  let condition: Bool?

  private struct Enclosing {
    let values: ShapeValues
    let knowledge: KnowledgeTable
    let captured: [ValueID: ValueID]
  }

  /// - Parameters:
  ///   - fed: the value of an input, where it is known; there may be very many inputs, of which hardly any is asked for.
  ///   - control: what the values count against.
  ///   - enclosing: for a subgraph, the values of the graph around it, where `node` has the subgraph and `knowledge` is known.
  init(
    _ program: Program, fed: @escaping (ValueID) -> Tensor? = { _ in nil }, control: RunControl, enclosing: ShapeValues? = nil, node: Node? = nil,
    knowledge: KnowledgeTable = KnowledgeTable(), condition: Bool? = nil
  ) {
    self.control = control
    self.program = program
    self.condition = condition
    self.fed = fed
    guard let enclosing, let node else {
      self.enclosing = nil
      return
    }
    var captured: [ValueID: ValueID] = [:]
    for capture in program.graph.captures where capture.input < node.inputs.count {
      captured[capture.inner] = node.inputs[capture.input]
    }
    self.enclosing = Enclosing(values: enclosing, knowledge: knowledge, captured: captured)
  }

  /// The value, nil where it does not follow from known values at little cost.
  /// - Throws: what a run would throw when it computed it.
  func tensor(for value: ValueID, _ knowledge: KnowledgeTable) throws(PinionError) -> Tensor? {
    var open = [value]
    var needed = Set<Int>()
    var cost = 0
    while let next = open.popLast() {
      if try isKnown(next, knowledge) { continue }
      guard let index = producers[next.index] else { return nil }
      guard needed.insert(index).inserted else { continue }
      let node = program.graph.nodes[index]
      cost = cost.addingSaturating(self.cost(of: node, knowledge))
      guard node.subgraphs.isEmpty, type(of: node.op).isDeterministic, cost <= budget else { return nil }
      for case let input? in node.inputs { open.append(input) }
    }
    spend(cost)
    for index in needed.sorted() {
      guard let results = try compute(index) else { return nil }
      for (output, result) in zip(program.graph.nodes[index].outputs, results) {
        guard let output, case .tensor(let tensor) = result else { continue }
        known[output] = tensor
      }
    }
    return known[value]
  }

  /// The types of a node's outputs where they follow from known values; nil where only a run tells.
  func outputTypes(of index: Int, _ knowledge: KnowledgeTable) throws(PinionError) -> [TensorType]? {
    let node = program.graph.nodes[index]
    var types: [TensorType?] = []
    for input in node.inputs {
      let type = input.flatMap { knowledge[$0.index].type }
      guard input == nil || type != nil else { return nil }
      types.append(type)
    }
    var values = [Tensor?](repeating: nil, count: types.count)
    // What decides shapes is small, so that the small inputs are asked first and the others only if that was not enough.
    var unasked = types.indices.filter { types[$0] != nil }.sorted { (types[$0]?.count ?? 0) > (types[$1]?.count ?? 0) }
    while true {
      let inference = InferenceContext(schema: node.schema, inputs: types, values: values, outputCount: node.outputs.count)
      do { return try node.op.outputTypes(inference) } catch {
        guard error.code == .dataDependent else { throw error }
      }
      guard let slot = unasked.popLast() else { break }
      if let input = node.inputs[slot] { values[slot] = try tensor(for: input, knowledge) }
    }
    // Only the results tell.
    let cost = cost(of: node, knowledge)
    guard type(of: node.op).isDeterministic, cost <= budget, values.indices.allSatisfy({ types[$0] == nil || values[$0] != nil }) else {
      return nil
    }
    spend(cost)
    guard let results = try compute(index) else { return nil }
    var outputs: [TensorType] = []
    for (slot, result) in results.enumerated() {
      guard case .tensor(let tensor) = result else { return nil }
      outputs.append(tensor.type)
      if slot < node.outputs.count, let output = node.outputs[slot] { known[output] = tensor }
    }
    return outputs
  }

  /// Looks for a value without computing anything in this graph; one that is found is in `known` afterwards.
  private func isKnown(_ value: ValueID, _ knowledge: KnowledgeTable) throws(PinionError) -> Bool {
    if known[value] != nil { return true }
    if case .constant(let tensor) = knowledge[value.index] {
      known[value] = tensor
    } else if let tensor = fed(value) {
      known[value] = tensor
    } else if let enclosing, let outer = enclosing.captured[value] {
      known[value] = try enclosing.values.tensor(for: outer, enclosing.knowledge)
    }
    return known[value] != nil
  }

  private var budget: Int { enclosing?.values.budget ?? (ShapeValues.effort - spent) }

  private func spend(_ cost: Int) {
    if let enclosing { enclosing.values.spend(cost) } else { spent += cost }
  }

  private func cost(of node: Node, _ knowledge: KnowledgeTable) -> Int {
    let inputs = node.inputs.map { $0.flatMap { knowledge[$0.index].type } }
    let outputs = node.outputs.compactMap { $0.flatMap { knowledge[$0.index].type } }
    let elements = (inputs + outputs).reduce(1) { $0.addingSaturating($1?.count ?? 0) }
    return elements.addingSaturating(node.op.operations(inputs: inputs, outputs: outputs))
  }

  /// Runs a node whose inputs are known; nil where that takes too much memory.
  private func compute(_ index: Int) throws(PinionError) -> [Value]? {
    let node = program.graph.nodes[index]
    var inputs: [Value?] = []
    for input in node.inputs {
      let tensor = input.flatMap { known[$0] }
      guard input == nil || tensor != nil else { return nil }
      inputs.append(tensor.map(Value.tensor))
    }
    let context = EagerContext(
      allocator: program.allocator, control: control, outputCount: node.outputs.count, subgraphs: nil, executor: program.executor,
      packed: PackedWeights())
    do { return try program.backend.execute(node.op, inputs, context) } catch {
      if error.code == .budgetExceeded { return nil }
      throw node.locate(error, inputTypes: Node.texts(ofInputs: inputs) { $0.map { "\($0.type)" } ?? "-" })
    }
  }
}

extension Int {
  func addingSaturating(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
