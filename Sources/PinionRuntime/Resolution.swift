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
  let initial: KnowledgeTable
  /// What is known after the last one.
  let knowledge: KnowledgeTable
  /// By position in the nodes that are planned.
  let outcomes: SharedTable<Outcome>
  /// Whether most nodes had to be resolved, as those of the next plan then probably have to be.
  let reachedMost: Bool
  /// See `Resolution.shortBudget`.
  let shortBudget: Int?

  init(_ resolution: Resolution, initial: KnowledgeTable) {
    var (initial, knowledge, outcomes) = (initial, resolution.knowledge, resolution.outcomes)
    initial.share()
    knowledge.share()
    outcomes.share()
    self.initial = initial
    self.knowledge = knowledge
    self.outcomes = outcomes
    reachedMost = resolution.changed.count > outcomes.count / 2
    shortBudget = resolution.shortBudget
  }

  /// Whether a run gets from it what it would get from a plan of its own.
  func serves(_ control: RunControl?) -> Bool { shortBudget.isEnough(for: control) }
}

extension Int? {
  /// Whether what was made short of room under a budget of so many bytes is all that another run could have made; nil for what was not short of it.
  func isEnough(for control: RunControl?) -> Bool {
    guard let self else { return true }
    return control?.limits.bytes.map { $0 <= self } ?? false
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
  /// What a small budget leaves for arithmetic on shapes.
  private static let leastFoldBudget = 64 << 10

  let program: Program
  /// Leaves kernels out: for questions about shapes and memory only.
  let isDry: Bool
  /// Goes on behind a node that fails, whose outputs then stay unknown.
  let skipsFailures: Bool
  /// Follows a node whose branch is known with the types that the branch gives: for the question which branches are taken.
  private let tellsCourses: Bool
  /// The run that waits for the plan.
  let control: RunControl?
  /// Nodes that are computed while planning count against an account of their own: their results belong to the plan.
  private let foldControl: RunControl

  /// The bytes of the run's budget, where there was no room in it for something that is computed while planning. Runs that have more do not
  /// take the plan, so that what a run gives does not depend on the limits of those before it.
  private(set) var shortBudget: Int?

  private(set) var knowledge: KnowledgeTable
  /// By position in the nodes that are planned.
  private(set) var outcomes = SharedTable<Outcome>()
  /// Positions whose outcome is not the basis's, in order.
  private(set) var changed: [Int] = []
  /// Positions that are done, with a basis all before the first that has to be.
  private var done = 0
  /// Nodes that have been resolved, for those that are like them.
  private var like = LikeNodes()
  /// With a basis, positions whose operands are not known to be what the basis knew.
  private var open: PositionSet?
  /// Polled within a node of very many inputs, of whose work nothing is kept where a limit ends it.
  private var poll: BuildPoll
  private let grace: Int
  private var isWithinNode = false
  /// What the next try may do of what is not kept.
  var nextGrace: Int { isWithinNode ? poll.nextGrace : grace }

  init(
    _ program: Program, knowledge: KnowledgeTable, isDry: Bool, skipsFailures: Bool, tellsCourses: Bool = false, control: RunControl?,
    folding: RunControl? = nil, grace: Int = 0
  ) {
    self.grace = grace
    poll = BuildPoll(control, grace: grace)
    self.tellsCourses = tellsCourses
    self.program = program
    self.isDry = isDry
    self.skipsFailures = skipsFailures
    self.control = control
    foldControl = folding ?? Resolution.foldControl(of: control)
    self.knowledge = knowledge
  }

  /// What nodes that are computed while planning count against: an account beside that of what waits for the plan, with a part of its bytes.
  /// - Parameter part: one so many'th of the bytes: a run holds other things besides.
  static func foldControl(of control: RunControl?, part: Int = 16) -> RunControl {
    var limits = control?.limits ?? RunLimits()
    limits.steps = nil
    limits.bytes = limits.bytes.map { min(max($0 / part, min($0, leastFoldBudget)), foldBudget) } ?? foldBudget
    return RunControl(limits)
  }

  /// Resolves `nodes`.
  /// - Parameters:
  ///   - basis: a plan for the same nodes.
  ///   - given: the only values of which different things may be known before the nodes, here and in the basis; nil for any.
  mutating func resolve(_ nodes: [Int], basis: ResolutionRecord?, given: [ValueID]?) throws(PinionError) {
    guard let basis else {
      if done == 0 {
        // Of very many constants hardly any nodes make more.
        if nodes.count > knowledge.count / 8 { knowledge.makeOwn() }
        outcomes.reserveCapacity(nodes.count)
      }
      for position in done..<nodes.count {
        outcomes.append(try outcome(of: nodes[position], at: position))
        changed.append(position)
        done = position &+ 1
      }
      return
    }
    fallShort(of: basis.shortBudget)
    var open = self.open ?? start(from: basis, given, nodes)
    defer { self.open = open }
    while let position = open.first(from: done) {
      done = position
      let index = nodes[position]
      let outputs = program.planned[index].outputs
      for case let output? in outputs { knowledge[output.index] = .unknown }
      outcomes[position] = try outcome(of: index, at: position)
      changed.append(position)
      for case let output? in outputs {
        let before = basis.knowledge[output.index]
        if knowledge[output.index].isSame(as: before) {
          // The basis's tensor, so that its address holds.
          knowledge[output.index] = before
        } else {
          program.readers.add(of: output.index, from: nodes, to: &open)
        }
      }
      open.remove(position)
    }
    done = nodes.count
  }

  /// Takes over what the basis knows, but for what is known otherwise before the nodes.
  /// - Returns: the positions of the nodes that read what is not the same.
  private mutating func start(from basis: ResolutionRecord, _ given: [ValueID]?, _ nodes: [Int]) -> PositionSet {
    let initial = knowledge
    knowledge = basis.knowledge
    outcomes = basis.outcomes
    if basis.reachedMost {
      knowledge.makeOwn()
      outcomes.makeOwn()
    }
    var open = PositionSet(limit: nodes.count)
    func compare(_ index: Int) {
      let now = initial[index]
      guard !now.isSame(as: basis.initial[index]) else { return }
      knowledge[index] = now
      program.readers.add(of: index, from: nodes, to: &open)
    }
    if let given {
      for value in given { compare(value.index) }
    } else {
      _ = initial.differences(from: basis.initial) { index in
        compare(index)
        return true
      }
    }
    return open
  }

  /// What a resolution has found by the time a run's deadline or cancellation ends it.
  struct Progress: Sendable {
    fileprivate let knowledge: KnowledgeTable
    fileprivate let outcomes: SharedTable<Outcome>
    fileprivate let changed: [Int]
    fileprivate let done: Int
    fileprivate let open: PositionSet?
    fileprivate let shortBudget: Int?

    func serves(_ control: RunControl?) -> Bool { shortBudget.isEnough(for: control) }
  }

  var progress: Progress {
    Progress(knowledge: knowledge, outcomes: outcomes, changed: changed, done: done, open: open, shortBudget: shortBudget)
  }

  /// Goes on where one of the same nodes, of which the same was known, was ended.
  mutating func resume(_ progress: Progress) {
    (knowledge, outcomes, changed) = (progress.knowledge, progress.outcomes, progress.changed)
    (done, open) = (progress.done, progress.open)
    fallShort(of: progress.shortBudget)
  }

  /// Takes note of something that was left out under a budget of so many bytes.
  mutating func fallShort(of budget: Int?) {
    guard let budget else { return }
    shortBudget = min(shortBudget ?? budget, budget)
  }

  private mutating func outcome(of index: Int, at position: Int) throws(PinionError) -> Outcome {
    do {
      isWithinNode = false
      try control?.check()
      let node = program.planned[index]
      if let outcome = outcomeOfLike(node) { return outcome }
      let outcome = try resolve(node, index)
      like.note(node, outcome, at: position)
      return outcome
    } catch {
      guard !skipsFailures || error.isOfLimits else { return .postponed(isReady: false) }
      let node = program.graph.nodes[index]
      throw node.locate(error, inputTypes: Node.texts(ofInputs: node.inputs) { describe($0) })
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

  /// The outcome of a node that was resolved before and computes the same of operands of the same types.
  private mutating func outcomeOfLike(_ node: PlannedNode) -> Outcome? {
    guard let (other, position) = like.find(node), node.inputs.count == other.inputs.count else { return nil }
    // Operands first, and of these the last, where most constants are: they tell most nodes apart, and in less time than attributes.
    for slot in node.inputs.indices.reversed() where node.inputs[slot] != other.inputs[slot] {
      guard let input = node.inputs[slot], let before = other.inputs[slot] else { return nil }
      switch (knowledge[input.index], knowledge[before.index]) {
      case (.tensor(let type), .tensor(let known)): guard type == known else { return nil }
      case (.constant(let tensor), .constant(let known)): guard tensor.isSameMemory(as: known), tensor.type == known.type else { return nil }
      default: return nil
      }
    }
    guard node.computesLike(other) else { return nil }
    for case let (output?, before?) in zip(node.outputs, other.outputs) { knowledge[output.index] = knowledge[before.index] }
    return outcomes[position]
  }

  private mutating func resolve(_ node: PlannedNode, _ index: Int) throws(PinionError) -> Outcome {
    var types: [TensorType?] = []
    var values: [Tensor?] = []
    types.reserveCapacity(node.inputs.count)
    values.reserveCapacity(node.inputs.count)
    var isPlannable = !node.hasSubgraphs
    isWithinNode = true
    for input in node.inputs {
      try poll.count(64)
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
    guard isPlannable else {
      if tellsCourses, node.hasSubgraphs, let branch = program.knownBranch(of: index, knowledge),
        let (outputs, budget) = try program.outputs(ofBranch: branch, of: index, knowledge, control, folding: foldControl)
      {
        fallShort(of: budget)
        for (output, known) in zip(node.outputs, outputs) { if let output { knowledge[output.index] = known } }
      }
      return .postponed(isReady: true)
    }

    isWithinNode = false
    let inference = InferenceContext(schema: node.schema, inputs: types, values: values, outputCount: node.outputs.count)
    var outputs: [TensorType]
    do { outputs = try node.op.outputTypes(inference) } catch {
      guard error.code == .dataDependent else { throw error }
      return try fold(node, inference, outputs: nil) ? .known : .postponed(isReady: true)
    }
    guard outputs.count >= node.outputs.count else {
      throw .invalidModel("the node names \(node.outputs.count) outputs, the operator has \(outputs.count)")
    }
    outputs.removeLast(outputs.count - node.outputs.count)
    do {
      if try fold(node, inference, outputs: outputs) { return .known }
    } catch {
      // What fails for its operands' elements has types even so, whether these elements are known or not.
      guard isDry, skipsFailures, !error.isOfLimits else { throw error }
    }

    let context = context(inference, outputs)
    let memory = node.bound.outputMemory(context)
    let outcome: Outcome
    if let views = views(node, memory, count: outputs.count) {
      outcome = .view(views)
    } else {
      var kernel = Kernel(stages: [])
      if !isDry {
        do { kernel = try node.bound.kernel(context) } catch {
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

  private func context(_ inference: InferenceContext, _ outputs: [TensorType]) -> KernelContext {
    KernelContext(
      inference: inference, outputs: outputs, threads: program.executor.threads, packed: program.packed, allocator: program.allocator,
      control: control ?? foldControl)
  }

  /// Where the outputs lie in inputs, for a node with nothing to compute.
  private func views(_ node: PlannedNode, _ memory: [OutputMemory], count: Int) -> [Outcome.View]? {
    guard memory.count >= count, count > 0 else { return nil }
    var views: [Outcome.View] = []
    for output in memory.prefix(count) {
      guard case .within(let input, let offset) = output, node.inputs.indices.contains(input), node.inputs[input] != nil else { return nil }
      views.append(Outcome.View(input: input, offset: offset))
    }
    return views
  }

  /// Computes a node whose inputs are all known and whose outputs are small.
  private mutating func fold(_ node: PlannedNode, _ inference: InferenceContext, outputs: [TensorType]?) throws(PinionError) -> Bool {
    guard node.isDeterministic else { return false }
    var values = inference.values
    guard values.contains(where: { $0 != nil }) || node.inputs.allSatisfy({ $0 == nil }) else { return try foldShape(node, inference) }
    var isComplete = true
    for (slot, input) in node.inputs.enumerated() where input != nil && values[slot] == nil {
      let typeOnly = type(of: node.op).typeOnlyInputs
      guard let type = inference.inputs[slot], typeOnly.contains(slot), let other = values.lazy.compactMap({ $0 }).first else {
        return try foldShape(node, inference)
      }
      // Nothing is read through it.
      values[slot] = Tensor(type, data: other.data, owner: other.owner)
      isComplete = false
    }
    let inputBytes = values.reduce(0) { $0 &+ ($1?.byteCount ?? 0) }
    let bytes = outputs?.reduce(0) { $0 &+ $1.byteCount } ?? inputBytes
    guard bytes <= Resolution.foldLimit else { return false }
    // A view takes no memory of its own.
    if let outputs, let output = node.outputs.first, let view = try constantView(node, inference, outputs) {
      if let output { knowledge[output.index] = .constant(view) }
      return true
    }
    guard hasRoom(for: bytes) else {
      fallShort(of: control?.limits.bytes)
      return false
    }
    // Hardly any shape follows from as much, and a question has no limits.
    if isDry, inputBytes > Resolution.askedBytes, outputs == nil || values.contains(where: { $0?.element == .string }) { return false }
    do {
      if isComplete, let outputs, node.isPlanned {
        try know(node.outputs, try results(of: node, inference, outputs))
        return true
      }
      return try execute(node, values)
    } catch {
      // What is too large for a plan is left to the runs.
      guard error.code == .budgetExceeded else { throw error }
      fallShort(of: control?.limits.bytes)
      return false
    }
  }

  /// Runs the kernel of a node whose inputs are constants, as `EagerContext.runPlanned` would where the types of the outputs are not known yet.
  private func results(of node: PlannedNode, _ inference: InferenceContext, _ types: [TensorType]) throws(PinionError) -> [Tensor] {
    var inputs = inference.values
    // Forms of the elements are for this once.
    for (slot, value) in inference.values.enumerated() { inputs[slot] = try value?.resident(control) }
    defer {
      // Few pages are not worth the calls of the system that giving them back and reading them again take.
      for case let value? in inference.values where value.byteCount >= 1 << 14 { value.giveBackPages() }
    }
    var outputs: [Tensor] = []
    outputs.reserveCapacity(types.count)
    for type in types { outputs.append(try foldControl.tensor(type, allocator: program.allocator)) }
    let context = KernelContext(
      inference: InferenceContext(schema: node.schema, inputs: inference.inputs, values: inputs, outputCount: inference.outputCount),
      outputs: types, threads: program.executor.threads, packed: program.packed, allocator: program.allocator, control: foldControl)
    let kernel = try node.bound.kernel(context)
    var pointers: [UnsafeMutableRawPointer] = []
    pointers.reserveCapacity(inputs.count + outputs.count)
    for input in inputs { if let pointer = input?.data ?? outputs.first?.data { pointers.append(pointer) } }
    for output in outputs { pointers.append(output.data) }
    guard pointers.count == inputs.count + outputs.count else { throw .internal("\(node.schema.name) has neither inputs nor outputs") }
    try program.executor.run(kernel, operands: pointers, inputCount: inputs.count, control: foldControl, allocator: program.allocator)
    return outputs
  }

  /// Runs a node that has a way of its own outside plans on values that are known.
  private mutating func execute(_ node: PlannedNode, _ values: [Tensor?]) throws(PinionError) -> Bool {
    let context = EagerContext(
      allocator: program.allocator, control: foldControl, outputCount: node.outputs.count, subgraphs: nil, executor: program.executor,
      packed: PackedWeights(), inputsAreConstant: true)
    let results = try program.backend.execute(node.op, values.map { $0.map(Value.tensor) }, context)
    guard results.count >= node.outputs.count else { throw .internal("the node has too few results") }
    for (slot, output) in node.outputs.enumerated() where output != nil {
      guard case .tensor = results[slot] else { return false }
    }
    var tensors: [Tensor?] = []
    for result in results.prefix(node.outputs.count) {
      if case .tensor(let tensor) = result { tensors.append(tensor) } else { tensors.append(nil) }
    }
    try know(node.outputs, tensors)
    return true
  }

  /// Knows results of a node, all of them or, where one does not fit, none.
  private mutating func know(_ outputs: [ValueID?], _ results: [Tensor?]) throws(PinionError) {
    var constants: [(ValueID, Tensor)] = []
    for case let (output?, result?) in zip(outputs, results) { constants.append((output, try adopt(result))) }
    for (output, constant) in constants { knowledge[output.index] = .constant(constant) }
  }

  /// The only output of a node, where it is a constant under another shape.
  private func constantView(_ node: PlannedNode, _ inference: InferenceContext, _ outputs: [TensorType]) throws(PinionError) -> Tensor? {
    guard let type = outputs.first, outputs.count == 1, type.element != .string,
      inference.values.contains(where: { $0?.element == type.element && $0?.count == type.count }),
      case .within(let input, 0)? = node.bound.outputMemory(context(inference, outputs)).first, input < inference.values.count,
      let value = inference.values[input], value.element == type.element, value.count == type.count
    else { return nil }
    return try value.reshaped(type.shape)
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
      // What owns its text need not be copied.
      if tensor.ownsStrings { return tensor.keepingText(with: account.token(bytes)) }
      return try tensor.copyingStrings(allocator: program.allocator, control: foldControl, maker: account.token(bytes))
    }
    return Constant.adopt(tensor, allocator: program.allocator) { account.token($0) }
  }

  /// Knows the result of an operator that looks at nothing but the shape of its input.
  private mutating func foldShape(_ node: PlannedNode, _ inference: InferenceContext) throws(PinionError) -> Bool {
    guard let op = node.shapeReading, let output = node.outputs.first ?? nil, let type = inference.inputs.first ?? nil else { return false }
    knowledge[output.index] = .constant(try adopt(try op.read(type)))
    return true
  }
}

/// What planning asks about a node again and again, found out once.
final class PlannedNode: Sendable {
  let op: any Operator
  let inputs: [ValueID?]
  let outputs: [ValueID?]
  let hasSubgraphs: Bool
  let bound: any BoundOperator
  let schema: Schema
  let attributes: [String: AttributeValue]
  let isDeterministic: Bool
  /// Whether its kernel is the only way to run it.
  let isPlanned: Bool
  /// The operator, where its output follows from its first input's type.
  let shapeReading: (any ShapeReading)?

  init(_ node: Node, _ backend: any Backend) {
    op = node.op
    inputs = node.inputs
    outputs = node.outputs
    hasSubgraphs = !node.subgraphs.isEmpty
    bound = backend.bound(node.op)
    schema = node.schema
    attributes = node.attributes
    isDeterministic = type(of: node.op).isDeterministic
    isPlanned = !type(of: node.op).runsOutsidePlans
    shapeReading = node.op.shapeReading
  }
}

/// The nodes that read each value, all in one table.
struct ReaderTable: Sendable {
  private let starts: [Int]
  private let nodes: [Int]
  private let nodeCount: Int

  /// - Parameter poll: is called with numbers of steps of some nanoseconds, and may end the making.
  init<Failure: Error>(_ graph: Graph, _ poll: (_ steps: Int) throws(Failure) -> Void) throws(Failure) {
    var starts = [Int](repeating: 0, count: graph.values.count &+ 1)
    for index in graph.nodes.indices {
      let inputs = graph.nodes[index].inputs
      try poll(2 &* inputs.count &+ 4)
      for case let input? in inputs { starts[input.index &+ 1] &+= 1 }
    }
    for index in graph.values.indices { starts[index &+ 1] &+= starts[index] }
    var nodes = [Int](repeating: 0, count: starts[graph.values.count])
    var next = starts
    for index in graph.nodes.indices {
      let inputs = graph.nodes[index].inputs
      try poll(2 &* inputs.count &+ 4)
      for case let input? in inputs {
        nodes[next[input.index]] = index
        next[input.index] &+= 1
      }
    }
    self.starts = starts
    self.nodes = nodes
    nodeCount = graph.nodes.count
  }

  /// Adds the positions in `planned`, nodes in the graph's order, of those that read a value.
  func add(of value: Int, from planned: [Int], to positions: inout PositionSet) {
    for index in starts[value]..<starts[value &+ 1] {
      let node = nodes[index]
      if planned.count == nodeCount {
        positions.insert(node)
      } else {
        let position = planned.position(notBelow: node)
        if position < planned.count, planned[position] == node { positions.insert(position) }
      }
    }
  }
}

extension [Int] {
  /// The first position of which the number is not below `number`, where numbers grow.
  func position(notBelow number: Int) -> Int {
    var low = 0, high = count
    while low < high {
      let middle = (low &+ high) / 2
      if self[middle] < number { low = middle &+ 1 } else { high = middle }
    }
    return low
  }
}
