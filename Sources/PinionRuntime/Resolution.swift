import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// What a plan does about a node.
enum Outcome: Sendable {
  /// Left for later segments; `isReady` where nothing but running it is missing.
  case postponed(isReady: Bool)
  /// The outputs are known before any run.
  case known
  /// Each output lies in the memory of an input; there is nothing to compute.
  case view([View])
  /// A kernel computes the outputs, named or not, and may write the first one over one of the inputs `over`, best first.
  case computed(Kernel, outputs: [TensorType], over: [Int])

  struct View: Equatable, Sendable {
    let input: Int
    /// In bytes.
    let offset: Int
  }
}

/// What a resolution found, and for what.
struct ResolutionRecord: Sendable {
  /// What was known before the first node.
  let initial: [Knowledge]
  /// What is known after the last one.
  let knowledge: [Knowledge]
  let outcomes: [Outcome]

  init(_ resolution: Resolution, initial: [Knowledge]) {
    self.initial = initial
    knowledge = resolution.knowledge
    outcomes = resolution.outcomes
  }
}

/// The first phase of planning: what is known of each value, and what each node takes, in the nodes' order.
///
/// A node whose operands are the same as in an earlier plan, the basis, keeps its outcome: a change of one extent costs what depends on it.
struct Resolution {
  /// Bytes up to which a node whose inputs are all known is computed while planning, once and not in each run.
  static let foldLimit = 4 << 20
  /// Bytes that the nodes computed for one plan may hold at once, text of strings and scratch memory included.
  private static let foldBudget = 64 << 20

  let program: Program
  /// Leaves kernels out: for questions about shapes and memory only.
  let isDry: Bool
  /// Goes on behind a node that fails, whose outputs then stay unknown.
  let skipsFailures: Bool
  /// The run that waits for the plan.
  let control: RunControl?
  /// Nodes that are computed while planning count against an account of their own: their results belong to the plan.
  private let foldControl: RunControl

  private(set) var knowledge: [Knowledge]
  /// By position in the nodes that are planned.
  private(set) var outcomes: [Outcome] = []
  /// Positions whose outcome is not the basis's, in order.
  private(set) var changed: [Int] = []
  /// Positions that are done.
  private var done = 0
  /// With a basis, whether what is known of each value is what the basis knew.
  private var isSame: [Bool] = []

  init(_ program: Program, knowledge: [Knowledge], isDry: Bool, skipsFailures: Bool, control: RunControl?) {
    self.program = program
    self.isDry = isDry
    self.skipsFailures = skipsFailures
    self.control = control
    var limits = control?.alongside().limits ?? RunLimits()
    limits.bytes = min(limits.bytes ?? .max, Resolution.foldBudget)
    foldControl = RunControl(limits)
    self.knowledge = knowledge
  }

  /// Resolves `nodes`.
  /// - Parameters:
  ///   - basis: a plan for the same nodes.
  ///   - given: the only values of which different things may be known before the nodes, here and in the basis; nil for any.
  mutating func resolve(_ nodes: [Int], basis: ResolutionRecord?, given: [ValueID]?) throws(PinionError) {
    guard let basis else {
      outcomes.reserveCapacity(nodes.count)
      for position in done..<nodes.count {
        outcomes.append(try outcome(of: nodes[position]))
        changed.append(position)
        done = position &+ 1
      }
      return
    }
    if isSame.isEmpty { start(from: basis, given) }
    let operands = program.operands
    for position in done..<nodes.count {
      let index = nodes[position]
      done = position
      guard !operands.allSatisfy(of: index, { isSame[$0] }) else { continue }
      let outputs = program.graph.nodes[index].outputs
      for case let output? in outputs { knowledge[output.index] = .unknown }
      outcomes[position] = try outcome(of: index)
      changed.append(position)
      for case let output? in outputs {
        if knowledge[output.index].isSame(as: basis.knowledge[output.index]) {
          // The basis's tensor, so that its address holds.
          knowledge[output.index] = basis.knowledge[output.index]
        } else {
          isSame[output.index] = false
        }
      }
    }
    done = nodes.count
  }

  /// Takes over what the basis knows, but for what is known otherwise before the nodes.
  private mutating func start(from basis: ResolutionRecord, _ given: [ValueID]?) {
    let initial = knowledge
    knowledge = basis.knowledge
    outcomes = basis.outcomes
    isSame = [Bool](repeating: true, count: initial.count)
    func compare(_ index: Int, _ resolution: inout Resolution) {
      guard !initial[index].isSame(as: basis.initial[index]) else { return }
      resolution.knowledge[index] = initial[index]
      resolution.isSame[index] = false
    }
    if let given {
      for value in given { compare(value.index, &self) }
    } else {
      for index in initial.indices { compare(index, &self) }
    }
  }

  /// What a resolution has found by the time a run's deadline or cancellation ends it.
  struct Progress: Sendable {
    fileprivate let knowledge: [Knowledge]
    fileprivate let outcomes: [Outcome]
    fileprivate let changed: [Int]
    fileprivate let done: Int
    fileprivate let isSame: [Bool]
  }

  var progress: Progress { Progress(knowledge: knowledge, outcomes: outcomes, changed: changed, done: done, isSame: isSame) }

  /// Goes on where one of the same nodes, of which the same was known, was ended.
  mutating func resume(_ progress: Progress) {
    (knowledge, outcomes, changed) = (progress.knowledge, progress.outcomes, progress.changed)
    (done, isSame) = (progress.done, progress.isSame)
  }

  private mutating func outcome(of index: Int) throws(PinionError) -> Outcome {
    let node = program.graph.nodes[index]
    do {
      try control?.check()
      return try resolve(node, program.planned[index])
    } catch {
      guard !skipsFailures || error.isOfLimits else { return .postponed(isReady: false) }
      throw node.locate(error, inputTypes: node.inputs.map { describe($0) })
    }
  }

  private func describe(_ value: ValueID?) -> String {
    guard let value else { return "-" }
    return switch knowledge[value.index] {
    case .constant(let tensor): tensor.type.description
    case .tensor(let type): type.description
    case .other: program.graph[value].type?.description ?? "?"
    case .unknown: "?"
    }
  }

  private mutating func resolve(_ node: Node, _ planned: PlannedNode) throws(PinionError) -> Outcome {
    var types: [TensorType?] = []
    var values: [Tensor?] = []
    types.reserveCapacity(node.inputs.count)
    values.reserveCapacity(node.inputs.count)
    var isPlannable = node.subgraphs.isEmpty
    for input in node.inputs {
      var type: TensorType?
      var tensor: Tensor?
      if let input {
        switch knowledge[input.index] {
        case .unknown: return .postponed(isReady: false)
        case .other: isPlannable = false
        case .constant(let constant):
          type = constant.type
          tensor = constant
        case .tensor(let known): type = known
        }
      }
      types.append(type)
      values.append(tensor)
    }
    guard isPlannable else { return .postponed(isReady: true) }

    let inference = InferenceContext(schema: planned.schema, inputs: types, values: values, outputCount: node.outputs.count)
    var outputs: [TensorType]
    do { outputs = try node.op.outputTypes(inference) } catch {
      guard error.code == .dataDependent else { throw error }
      return try fold(node, planned, types: types, values: values, outputBytes: nil) ? .known : .postponed(isReady: true)
    }
    guard outputs.count >= node.outputs.count else {
      throw .invalidModel("the node names \(node.outputs.count) outputs, the operator has \(outputs.count)")
    }
    outputs.removeLast(outputs.count - node.outputs.count)
    let outputBytes = outputs.reduce(0) { $0 &+ $1.byteCount }
    do {
      if try fold(node, planned, types: types, values: values, outputBytes: outputBytes) { return .known }
    } catch {
      // What fails for its operands' elements has types even so, whether these elements are known or not.
      guard isDry, skipsFailures, !error.isOfLimits else { throw error }
    }

    let context = KernelContext(
      inference: inference, outputs: outputs, threads: program.executor.threads, packed: program.packed, allocator: program.allocator,
      control: control ?? foldControl)
    let memory = planned.bound.outputMemory(context)
    let outcome: Outcome
    if let views = views(node, memory, count: outputs.count) {
      outcome = .view(views)
    } else {
      var kernel = Kernel(stages: [])
      if !isDry {
        do { kernel = try planned.bound.kernel(context) } catch {
          guard error.code == .dataDependent else { throw error }
          return .postponed(isReady: true)
        }
      }
      if case .over(let inputs)? = memory.first {
        outcome = .computed(kernel, outputs: outputs, over: inputs)
      } else {
        outcome = .computed(kernel, outputs: outputs, over: [])
      }
    }
    for (output, type) in zip(node.outputs, outputs) {
      if let output { knowledge[output.index] = .tensor(type) }
    }
    return outcome
  }

  /// Where the outputs lie in inputs, for a node with nothing to compute.
  private func views(_ node: Node, _ memory: [OutputMemory], count: Int) -> [Outcome.View]? {
    guard memory.count >= count, count > 0 else { return nil }
    var views: [Outcome.View] = []
    for output in memory.prefix(count) {
      guard case .within(let input, let offset) = output, node.inputs.indices.contains(input), node.inputs[input] != nil else { return nil }
      views.append(Outcome.View(input: input, offset: offset))
    }
    return views
  }

  /// Computes a node whose inputs are all known and whose outputs are small.
  private mutating func fold(
    _ node: Node, _ planned: PlannedNode, types: [TensorType?], values: [Tensor?], outputBytes: Int?
  ) throws(PinionError) -> Bool {
    guard planned.isDeterministic else { return false }
    guard values.contains(where: { $0 != nil }) || node.inputs.allSatisfy({ $0 == nil }) else {
      return planned.isShapeReading ? try foldShape(node, types: types) : false
    }
    var values = values
    let typeOnly = type(of: node.op).typeOnlyInputs
    for (slot, input) in node.inputs.enumerated() where input != nil && values[slot] == nil {
      guard let type = types[slot], typeOnly.contains(slot), let other = values.lazy.compactMap({ $0 }).first else {
        return planned.isShapeReading ? try foldShape(node, types: types) : false
      }
      // Nothing is read through it.
      values[slot] = Tensor(type, data: other.data, owner: other.owner)
    }
    let inputBytes = values.reduce(0) { $0 &+ ($1?.byteCount ?? 0) }
    let bytes = outputBytes ?? inputBytes
    guard bytes <= Resolution.foldLimit, hasRoom(for: bytes) else { return false }
    // Hardly any shape follows from as much, and a question has no limits.
    if isDry, inputBytes > Resolution.askedBytes, outputBytes == nil || values.contains(where: { $0?.element == .string }) { return false }
    let context = EagerContext(
      allocator: program.allocator, control: foldControl, outputCount: node.outputs.count, subgraphs: nil, executor: program.executor,
      packed: PackedWeights(), inputsAreConstant: true)
    let results: [Value]
    do { results = try program.backend.execute(node.op, values.map { $0.map(Value.tensor) }, context) } catch {
      // What is too large for a plan is left to the runs.
      guard error.code == .budgetExceeded else { throw error }
      return false
    }
    guard results.count >= node.outputs.count else { throw .internal("the node has too few results") }
    for (slot, output) in node.outputs.enumerated() where output != nil {
      guard case .tensor = results[slot] else { return false }
    }
    var constants: [(ValueID, Tensor)] = []
    do {
      for (slot, output) in node.outputs.enumerated() {
        if let output, case .tensor(let tensor) = results[slot] { constants.append((output, try adopt(tensor))) }
      }
    } catch {
      guard error.code == .budgetExceeded else { throw error }
      return false
    }
    for (output, constant) in constants { knowledge[output.index] = .constant(constant) }
    return true
  }

  /// Bytes of operands up to which questions about shapes compute nodes of text, and those whose outputs' shapes depend on values.
  private static let askedBytes = 1 << 16
  /// Bytes that constants of a plan may have without anybody counting them.
  private static let smallBytes = 4096

  /// Whether a plan may keep a constant of so many bytes. The run that waits for the plan counts it among what it leaves in the session, of
  /// which it cannot give it back: constants of plans have a sixteenth of its budget. What does not fit it computes itself, as every other
  /// run of the plan does.
  private func hasRoom(for bytes: Int) -> Bool {
    guard bytes > Resolution.smallBytes, let control, let budget = control.limits.bytes else { return true }
    return !control.needsIdle(for: bytes &+ (budget &- budget / 16))
  }

  /// A constant of the plan's own, which counts among what is held between runs, its forms as well.
  private func adopt(_ tensor: Tensor) throws(PinionError) -> Tensor {
    let account = program.account
    if tensor.element == .string {
      let bytes = tensor.byteCount &+ tensor.textBytes
      guard bytes > Resolution.smallBytes else { return tensor }
      guard hasRoom(for: bytes) else { throw PinionError(.budgetExceeded, "the run has no room for the text of a plan") }
      return try tensor.copyingStrings(allocator: program.allocator, control: foldControl, maker: account.token(bytes))
    }
    return Constant.adopt(tensor, allocator: program.allocator) { account.token($0) }
  }

  /// Knows the result of an operator that looks at nothing but the shape of its input.
  private mutating func foldShape(_ node: Node, types: [TensorType?]) throws(PinionError) -> Bool {
    guard let op = node.op as? any ShapeReading, let output = node.outputs.first ?? nil, let type = types.first ?? nil else { return false }
    knowledge[output.index] = .constant(try adopt(try op.read(type)))
    return true
  }
}

/// What planning asks about a node again and again, found out once.
final class PlannedNode: Sendable {
  let bound: any BoundOperator
  let schema: Schema
  let isDeterministic: Bool
  let isShapeReading: Bool

  init(_ node: Node, _ backend: any Backend) {
    bound = backend.bound(node.op)
    schema = node.schema
    isDeterministic = type(of: node.op).isDeterministic
    isShapeReading = node.op is any ShapeReading
  }
}

/// The values that each node reads, all in one table.
struct OperandTable: Sendable {
  private let starts: [Int]
  private let values: [Int]

  init(_ graph: Graph) {
    var starts = [0]
    var values: [Int] = []
    for node in graph.nodes {
      for case let input? in node.inputs { values.append(input.index) }
      starts.append(values.count)
    }
    self.starts = starts
    self.values = values
  }

  @inline(__always)
  func allSatisfy(of node: Int, _ condition: (Int) -> Bool) -> Bool {
    for index in starts[node]..<starts[node &+ 1] where !condition(values[index]) { return false }
    return true
  }
}
