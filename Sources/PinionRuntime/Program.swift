import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// A graph made ready for a backend: plans it for each tuple of input types it meets, and runs the plans.
package final class Program: Sendable {
  package let graph: Graph
  let backend: any Backend
  let executor: StageExecutor
  /// Threads that work on a kernel.
  package var threads: Int { executor.threads }
  let packed: PackedWeights
  let allocator: Allocator
  /// For what leaves runs or nodes outside plans: memory that comes back is kept, unless the host gives it.
  package let resultAllocator: Allocator
  /// The programs of each node's subgraphs, by the node's index.
  let subprograms: [Int: [Program]]
  /// All nodes of the graph, in order.
  let allNodes: [Int]
  let readers: ReaderTable
  let planned: ContiguousArray<PlannedNode>
  /// Nodes that take one of several subgraphs.
  let branching: [Int]
  /// For each value the node that makes it, where there are such nodes.
  let producers: [Int?]
  let planLimit: Int
  /// What this program, those of subgraphs and those for known branches hold between runs.
  package let account: MemoryAccount
  /// Counts what the program's own records take, where it is one that others like it can take the place of.
  private let counted: (any AnyObject & Sendable)?
  /// How many programs it is a specialisation of, one of the other.
  let specialization: Int
  /// Programs for known branches.
  let specializations = Lock<[Choices: Program]>([:])
  /// What was found out last about the nodes without kernels.
  let lastCourses = Lock<ResolutionRecord?>(nil)
  /// The last plan that a run's end interrupted.
  let interrupted = Lock<InterruptedPlan?>(nil)
  let interruptedCourses = Lock<InterruptedCourses?>(nil)
  /// What the next making of a program for known branches may do without looking at the limits: see `BuildPoll`.
  let specializationGrace = Lock(0)
  let plans: Lock<PlanCache>
  /// What is known without the inputs.
  private let constants: KnowledgeTable
  /// The graph's inputs and then the values that it captures, in the order in which `run` takes them.
  let entryValues: [ValueID]
  let entryPositions: [ValueID: Int]
  /// The first position of each output.
  let outputPositions: [ValueID: Int]
  /// The nodes that append to inputs, with the slot and the input's place in `graph.held`.
  let appending: [(node: Int, slot: Int, held: Int)]

  /// - Parameter isVariant: whether its own records count as held between runs.
  package convenience init(
    graph: Graph, backend: any Backend, executor: StageExecutor, packed: PackedWeights, allocator: Allocator = .system, planLimit: Int = 512,
    account: MemoryAccount = MemoryAccount(limit: 256 << 20), isVariant: Bool = false
  ) {
    self.init(
      graph: graph, backend: backend, executor: executor, packed: packed, allocator: allocator, planLimit: planLimit, account: account,
      isVariant: isVariant, polling: { _ in })
  }

  /// - Parameters:
  ///   - isVariant: whether its own records count as held between runs.
  ///   - poll: is called with numbers of steps of some nanoseconds, and may end the making.
  package init<Failure: Error>(
    graph: Graph, backend: any Backend, executor: StageExecutor, packed: PackedWeights, allocator: Allocator, planLimit: Int,
    account: MemoryAccount, isVariant: Bool, specialization: Int = 0, polling poll: (_ steps: Int) throws(Failure) -> Void
  ) throws(Failure) {
    self.graph = graph
    self.specialization = specialization
    counted = isVariant ? account.token(graph.recordBytes) : nil
    self.backend = backend
    self.executor = executor
    self.packed = packed
    self.allocator = allocator
    resultAllocator = allocator.isSystem ? account.results.allocator : allocator
    allNodes = Array(graph.nodes.indices)
    readers = try ReaderTable(graph, poll)
    var planned = ContiguousArray<PlannedNode>()
    planned.reserveCapacity(graph.nodes.count)
    for index in graph.nodes.indices {
      try poll(64)
      planned.append(PlannedNode(graph.nodes[index], backend))
    }
    self.planned = planned
    branching = graph.nodes.indices.filter { graph.nodes[$0].subgraphs.count > 1 && graph.nodes[$0].op.courseTelling != nil }
    producers = branching.isEmpty ? [] : graph.producers()
    self.planLimit = planLimit
    self.account = account
    entryValues = graph.inputs + graph.captures.map(\.inner)
    entryPositions = try positions(entryValues, poll)
    outputPositions = try positions(graph.outputs, poll)
    appending = graph.appending()
    var constants = [Knowledge](repeating: .unknown, count: graph.values.count)
    for (value, tensor) in graph.constants {
      try poll(16)
      constants[value.index] = .constant(tensor)
    }
    var table = KnowledgeTable(constants)
    table.share()
    self.constants = table
    var subprograms: [Int: [Program]] = [:]
    for index in graph.nodes.indices where !graph.nodes[index].subgraphs.isEmpty {
      var programs: [Program] = []
      for subgraph in graph.nodes[index].subgraphs {
        programs.append(
          try Program(
            graph: subgraph, backend: backend, executor: executor, packed: packed, allocator: allocator, planLimit: planLimit, account: account,
            isVariant: false, polling: poll))
      }
      subprograms[index] = programs
    }
    self.subprograms = subprograms
    plans = Lock(PlanCache(limit: planLimit, account: account))
  }

  /// Whether the graph itself has the value at that place as a constant.
  func isConstant(_ index: Int) -> Bool {
    guard case .constant = constants[index] else { return false }
    return true
  }

  /// What is known before anything has run: the constants, and what the entry values are.
  func initialKnowledge(_ inputs: [Knowledge]) -> KnowledgeTable {
    var knowledge = constants
    for (value, input) in zip(entryValues, inputs) { knowledge[value.index] = input }
    return knowledge
  }

  /// The first segment for inputs of these types.
  func rootSegment(for inputs: [Value?], control: RunControl? = nil, profile: Profile? = nil) throws(PinionError) -> Segment {
    try root(for: inputs, control: control, profile: profile).segment
  }

  /// The first segment for inputs of these types, and the program that it is a plan of: this one, or it with the branches that are
  /// known to be taken.
  /// - Parameters:
  ///   - unseen: the positions of inputs of which only the types are there. Where elements of one decide branches, the plan that is made takes
  ///     none, leaves out nodes that fail, since the runs may not have them, and is not kept.
  ///   - plansAhead: whether plans for the next inputs may be made as well, where inputs grow.
  func root(
    for inputs: [Value?], unseen: Set<Int> = [], plansAhead: Bool = false, control: RunControl?, profile: Profile?
  ) throws(PinionError) -> (program: Program, segment: Segment, isKept: Bool) {
    var (found, latest, deciding) = plans.withLock { cache in
      (unseen.isDisjoint(with: cache.deciding) ? cache.find(inputs, control) : nil, cache.latest, cache.deciding)
    }
    var isKept = true
    var shortBudget: Int?
    while true {
      switch found {
      case .segment(let segment)?: return (self, segment, true)
      case .program(let program)?: return try program.root(for: inputs, unseen: unseen, control: control, profile: profile)
      case nil: break
      }
      var entries = inputs.map { Program.knowledge(of: $0) }
      for entry in deciding where entries.indices.contains(entry) && !unseen.contains(entry) {
        if case .tensor(let tensor)? = inputs[entry] { entries[entry] = .constant(try tensor.copy(allocator: allocator)) }
      }
      let knowledge = initialKnowledge(entries)
      isKept = unseen.isDisjoint(with: deciding)
      let nodes = allNodes
      if !branching.isEmpty {
        // Which branches are taken is told without kernels.
        let resolution = try courses(nodes, knowledge, control)
        shortBudget = resolution.shortBudget
        let choices = knownChoices(resolution)
        if !choices.isEmpty, let program = try specialized(choices, control) {
          let root = try program.root(for: inputs, unseen: unseen, control: control, profile: profile)
          guard isKept else { return (root.program, root.segment, false) }
          // Not the program that it may have chosen by values: this one's key does not have them.
          plans.withLock { _ = $0.insert(.program(program), for: inputs, deciding: deciding, shortBudget: shortBudget, control) }
          return root
        }
        let entries = decidingEntries(resolution).subtracting(deciding)
        if !unseen.isDisjoint(with: entries) {
          isKept = isKept && !plans.withLock { $0.mayDecide }
        } else if !entries.isEmpty, let all = plans.withLock({ $0.decide(by: entries) }) {
          (found, latest, deciding) = (nil, nil, all)
          continue
        }
      }
      let planner = Planner(program: self, skipsFailures: !isKept, control: control, profile: profile)
      let segment = try planner.segment(nodes: nodes, knowledge: knowledge, basis: latest, given: entryValues, shortBudget: shortBudget)
      guard isKept else { return (self, segment, false) }
      let mayGrow = plansAhead && branching.isEmpty
      let (kept, growth) = plans.withLock { cache in
        let growth = mayGrow ? cache.expectGrowth(to: inputs) : nil
        return (cache.insert(segment, for: inputs, deciding: deciding, control), growth)
      }
      if let growth, let control { planAhead(of: inputs, kept, growth, control: control, profile: profile) }
      return (self, kept, true)
    }
  }

  static func knowledge(of value: Value?) -> Knowledge {
    switch value {
    case .tensor(let tensor)?: .tensor(tensor.type)
    default: .other
    }
  }

  /// Forgets all plans and gives what is held between runs back to the allocator.
  package func trim() {
    plans.withLock { $0.removeAll() }
    interrupted.withLock { $0 = nil }
    interruptedCourses.withLock { $0 = nil }
    lastCourses.withLock { $0 = nil }
    for programs in subprograms.values { for program in programs { program.trim() } }
    account.results.shrink(to: 0)
    // Runs in progress may still have them.
    let programs = specializations.withLock { known in
      defer { known.removeAll() }
      return Array(known.values)
    }
    for program in programs { program.trim() }
  }
}

extension Graph {
  /// About as many bytes as a program's records of the graph take: its nodes with their operators, its values, and what is known of these.
  var recordBytes: Int {
    var bytes = values.count &* 256
    for node in nodes {
      bytes &+= 1024 &+ (node.inputs.count &+ node.outputs.count) &* 32
      for subgraph in node.subgraphs { bytes &+= subgraph.recordBytes }
    }
    return bytes
  }
}

/// The first position of each value.
private func positions<Failure: Error>(
  _ values: [ValueID], _ poll: (_ steps: Int) throws(Failure) -> Void
) throws(Failure) -> [ValueID: Int] {
  var positions: [ValueID: Int] = [:]
  positions.reserveCapacity(values.count)
  for (position, value) in values.enumerated() {
    try poll(64)
    if positions[value] == nil { positions[value] = position }
  }
  return positions
}
