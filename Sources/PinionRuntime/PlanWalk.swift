import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Goes through the segments of a plan as a run would, without kernels, and adds up what a run takes.
struct PlanWalk {
  /// The limits of what waits for the answer.
  let control: RunControl?
  /// What all that is computed on the way counts against.
  let folding: RunControl
  private(set) var nodes: [(name: String, operatorName: String, outputs: [TensorType])] = []
  private(set) var operations = 0
  /// The most bytes held at once, those of outputs left out unless a node outside the plan makes them.
  private(set) var peakBytes = 0
  /// Bytes that stay until the run ends: arenas that later segments read from, and outputs of nodes outside the plan.
  private var heldBytes = 0

  init(control: RunControl?, folding: RunControl) {
    self.control = control
    self.folding = folding
  }

  struct End {
    /// What is known of the program's values where the walk ended.
    let knowledge: KnowledgeTable
    /// Outputs of nodes that run outside the plan.
    let made: Set<ValueID>
    /// False where a shape depends on values that only a run knows.
    let isComplete: Bool
  }

  /// - Parameter inputs: what is known of the program's inputs and then of the values it captures.
  mutating func plan(_ program: Program, inputs: [Knowledge], values: ShapeValues) throws(PinionError) -> End {
    let planner = Planner(program: program, isDry: true, control: control, folding: folding)
    var segment = try planner.segment(nodes: program.allNodes, knowledge: program.initialKnowledge(inputs))
    var made = Set<ValueID>()
    var poll = Poll(control ?? RunControl())
    while true {
      for placed in segment.record.layout.placed {
        let node = program.graph.nodes[placed.node]
        try poll.count(64 &+ 8 &* node.inputs.count)
        count(node, segment.knowledge)
      }
      peakBytes = max(peakBytes, heldBytes &+ segment.arenaBytes)
      if segment.isReadLater { heldBytes &+= segment.arenaBytes }
      guard let index = segment.eagerNode else { return End(knowledge: segment.knowledge, made: made, isComplete: segment.remaining.isEmpty) }
      let node = program.graph.nodes[index]
      var knowledge = segment.knowledge
      let results: [Knowledge]?
      do { results = try outcome(of: index, program, knowledge, values) } catch {
        throw node.locate(error, inputTypes: Node.texts(ofInputs: node.inputs) { $0.flatMap { knowledge[$0.index].type?.description } ?? "-" })
      }
      guard let results, results.count >= node.outputs.count else {
        return End(knowledge: knowledge, made: made, isComplete: false)
      }
      for (result, output) in zip(results, node.outputs) {
        guard let output else { continue }
        knowledge[output.index] = result
        made.insert(output)
        heldBytes &+= result.type?.byteCount ?? 0
      }
      if node.subgraphs.isEmpty { count(node, knowledge) } else { add(node, knowledge, operations: 0) }
      peakBytes = max(peakBytes, heldBytes)
      segment = try planner.segment(nodes: segment.remaining, knowledge: knowledge)
    }
  }

  private mutating func count(_ node: Node, _ knowledge: KnowledgeTable) {
    let inputs = node.inputs.map { $0.flatMap { knowledge[$0.index].type } }
    add(node, knowledge, operations: node.op.operations(inputs: inputs, outputs: outputs(of: node, knowledge)))
  }

  private mutating func add(_ node: Node, _ knowledge: KnowledgeTable, operations: Int) {
    addOperations(operations, times: 1)
    nodes.append((node.name, node.schema.qualifiedName, outputs(of: node, knowledge)))
  }

  private func outputs(of node: Node, _ knowledge: KnowledgeTable) -> [TensorType] {
    node.outputs.compactMap { $0.flatMap { knowledge[$0.index].type } }
  }

  private mutating func addOperations(_ count: Int, times: Int) {
    let (product, overflow) = count.multipliedReportingOverflow(by: times)
    let (sum, sumOverflow) = operations.addingReportingOverflow(product)
    operations = overflow || sumOverflow ? .max : sum
  }

  /// What a node that runs outside the plan gives; nil where only the run tells.
  mutating func outcome(
    of index: Int, _ program: Program, _ knowledge: KnowledgeTable, _ values: ShapeValues
  ) throws(PinionError) -> [Knowledge]? {
    let node = program.graph.nodes[index]
    guard !node.subgraphs.isEmpty else { return try values.outputTypes(of: index, knowledge)?.map(Knowledge.tensor) }
    guard let op = node.op.courseTelling, let programs = program.subprograms[index] else { return nil }
    var known = [Tensor?](repeating: nil, count: node.formalInputCount)
    for slot in op.decidingInputs where slot < known.count {
      guard let input = node.inputs[slot] else { continue }
      guard let tensor = try values.tensor(for: input, knowledge) else {
        return programs.count > 1 ? try anyBranch(programs, of: node, knowledge, values) : nil
      }
      known[slot] = tensor
    }
    switch try op.course(known) {
    case .branch(let branch):
      guard programs.indices.contains(branch) else { throw .internal("there is no subgraph \(branch)") }
      let values = ShapeValues(programs[branch], control: folding, enclosing: values, node: node, knowledge: knowledge)
      return try body(programs[branch], inputs: [], of: node, knowledge, values, times: 1)
    case .loop(let body, let count):
      guard programs.indices.contains(body) else { throw .internal("there is no subgraph \(body)") }
      guard count < .max else { return nil }
      return try loop(programs[body], count: count, of: node, knowledge, values)
    }
  }

  /// What a node gives that takes one of several subgraphs as only a run tells, where all of them give the same types. The work is that of
  /// the one with most.
  private mutating func anyBranch(
    _ programs: [Program], of node: Node, _ knowledge: KnowledgeTable, _ values: ShapeValues
  ) throws(PinionError) -> [Knowledge]? {
    var most = PlanWalk(control: control, folding: folding)
    var types: [TensorType]?
    for program in programs {
      var walk = PlanWalk(control: control, folding: folding)
      walk.heldBytes = heldBytes
      let results: [Knowledge]?
      do {
        let values = ShapeValues(program, control: folding, enclosing: values, node: node, knowledge: knowledge)
        results = try walk.body(program, inputs: [], of: node, knowledge, values, times: 1)
      } catch {
        // It fails where it is taken.
        guard !error.isOfLimits else { throw error }
        return nil
      }
      guard let own = results?.compactMap(\.type), own.count == results?.count, types ?? own == own else { return nil }
      types = own
      peakBytes = max(peakBytes, walk.peakBytes)
      if walk.operations > most.operations || most.nodes.isEmpty { most = walk }
    }
    nodes += most.nodes
    addOperations(most.operations, times: 1)
    return types?.map(Knowledge.tensor)
  }

  /// Walks a subgraph for inputs of its own and captured values of these types.
  private mutating func body(
    _ program: Program, inputs: [Knowledge], of node: Node, _ knowledge: KnowledgeTable, _ values: ShapeValues, times: Int
  ) throws(PinionError) -> [Knowledge]? {
    var all = inputs
    for capture in program.graph.captures {
      guard capture.input < node.inputs.count, let value = node.inputs[capture.input] else { throw .internal("a captured value is not there") }
      all.append(knowledge[value.index].afterRun)
    }
    guard all.count == program.graph.inputs.count + program.graph.captures.count else { return nil }
    var walk = PlanWalk(control: control, folding: folding)
    let end = try walk.plan(program, inputs: all, values: values)
    guard end.isComplete else { return nil }
    let results = program.graph.outputs.map { end.knowledge[$0.index].afterRun }
    if let condition = values.condition {
      // How often a body is run is known where its own condition never stops it.
      let output = program.graph.outputs.first
      guard let output, let tensor = try values.tensor(for: output, end.knowledge), tensor.isTrue == condition else { return nil }
    }
    if times > 0 {
      nodes += walk.nodes
      addOperations(walk.operations, times: times)
      let bytes = results.reduce(0) { $0 &+ ($1.type?.byteCount ?? 0) }
      peakBytes = max(peakBytes, heldBytes &+ walk.peakBytes &+ bytes)
    }
    return results
  }

  /// Walks the body of a loop once for all iterations, which are alike where the carried values keep their types.
  private mutating func loop(
    _ program: Program, count: Int, of node: Node, _ knowledge: KnowledgeTable, _ values: ShapeValues
  ) throws(PinionError) -> [Knowledge]? {
    let graph = program.graph
    guard graph.inputs.count >= 2 else { return nil }
    var carried: [Knowledge] = []
    for input in node.inputs[..<node.formalInputCount].dropFirst(2) {
      guard let input else { return nil }
      carried.append(knowledge[input.index].afterRun)
    }
    let scalar = Shape.scalar
    let inputs = [.tensor(TensorType(.int64, scalar)), .tensor(TensorType(.bool, scalar))] + carried
    let going = try Tensor(scalar: true)
    let values = ShapeValues(
      program, fed: { $0 == graph.inputs[1] ? going : nil }, control: folding, enclosing: values, node: node, knowledge: knowledge, condition: true)
    guard var results = try body(program, inputs: inputs, of: node, knowledge, values, times: count) else { return nil }
    results.removeFirst()
    guard results.count >= carried.count else { return nil }
    for index in results.indices {
      guard let type = results[index].type else { return nil }
      if index < carried.count {
        guard type == carried[index].type else { return nil }
      } else {
        results[index] = .tensor(TensorType(type.element, try Shape([count] + type.dims)))
      }
    }
    return results
  }
}

extension Knowledge {
  /// What the readers of a value in another program know of it.
  fileprivate var afterRun: Knowledge {
    switch self {
    case .constant(let tensor): .tensor(tensor.type)
    case .tensor, .unknown, .other: self
    }
  }
}

extension Segment {
  /// Whether the arena outlasts the segment, since values in it are read afterwards.
  fileprivate var isReadLater: Bool {
    crossings.contains {
      if case .arena = $0.location { true } else { false }
    }
  }
}

extension Tensor {
  fileprivate var isTrue: Bool? { element == .bool && count == 1 ? data.load(as: UInt8.self) != 0 : nil }
}
