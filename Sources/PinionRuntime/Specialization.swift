import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor
import Synchronization

/// The branches that were taken in the place of control-flow nodes, by these nodes' indices.
typealias Choices = [Int: Int]

/// What was found out about all nodes of a program when a run's deadline or cancellation ended the search for the branches that they take: the
/// next one goes on there, as with `InterruptedPlan`.
struct InterruptedCourses: Sendable {
  let initial: KnowledgeTable
  let basis: ResolutionRecord?
  let progress: Resolution.Progress
}

extension Program {
  /// Inputs of at most so many elements may decide branches by their values.
  private static let decidingElements = 8
  /// So many nodes may lie between such inputs and a condition.
  private static let decidingNodes = 64
  /// Programs that one program is specialised to.
  static let specializationLimit = 16

  /// The interrupted courses where the same is known of the values; nobody else gets them then.
  private func takeInterruptedCourses(_ knowledge: KnowledgeTable, _ control: RunControl?) -> InterruptedCourses? {
    interruptedCourses.withLock { courses in
      guard let found = courses, found.progress.serves(control), found.initial.isSame(as: knowledge) else { return nil }
      courses = nil
      return found
    }
  }

  /// What is found out about the nodes without kernels, to know which branches they take.
  func courses(_ nodes: [Int], _ knowledge: KnowledgeTable, _ control: RunControl?) throws(PinionError) -> Resolution {
    var resolution = Resolution(self, knowledge: knowledge, isDry: true, skipsFailures: true, tellsCourses: true, control: control)
    var basis = lastCourses.withLock { $0?.serves(control) == false ? nil : $0 }
    var initial = knowledge
    if let interrupted = takeInterruptedCourses(knowledge, control) {
      (basis, initial) = (interrupted.basis, interrupted.initial)
      resolution.resume(interrupted.progress)
    }
    do throws(PinionError) { try resolution.resolve(nodes, basis: basis, given: entryValues) } catch {
      if error.code == .deadlineExceeded || error.code == .cancelled {
        let interrupted = InterruptedCourses(initial: initial, basis: basis, progress: resolution.progress)
        interruptedCourses.withLock { $0 = interrupted }
      }
      throw error
    }
    let record = ResolutionRecord(resolution, initial: knowledge)
    lastCourses.withLock { $0 = record }
    return resolution
  }

  /// The branches that are known from what planning found, those among them whose other operands only a branch before them gives: all are
  /// chosen at once, so that as many of them do not make as many programs.
  func knownChoices(_ resolution: Resolution) -> Choices {
    var choices: Choices = [:]
    for index in branching {
      guard case .postponed = resolution.outcomes[index], let branch = knownBranch(of: index, resolution.knowledge) else { continue }
      choices[index] = branch
    }
    return choices
  }

  /// The subgraph that a node takes, where what decides it is known.
  func knownBranch(of index: Int, _ knowledge: KnowledgeTable) -> Int? {
    let node = graph.nodes[index]
    guard let op = node.op.courseTelling else { return nil }
    var deciding = [Tensor?](repeating: nil, count: node.formalInputCount)
    for slot in op.decidingInputs where slot < deciding.count {
      guard let input = node.inputs[slot], case .constant(let tensor) = knowledge[input.index] else { return nil }
      deciding[slot] = tensor
    }
    guard case .branch(let branch)? = try? op.course(deciding), node.subgraphs.indices.contains(branch) else { return nil }
    return branch
  }

  /// What is known of the values that the known branch of a node gives, which tells what follows the node; nil where that is nothing.
  func outputs(
    ofBranch branch: Int, of index: Int, _ knowledge: KnowledgeTable, _ control: RunControl?, folding: RunControl
  ) throws(PinionError) -> (outputs: [Knowledge], shortBudget: Int?)? {
    guard let program = subprograms[index]?[branch], program.graph.inputs.isEmpty else { return nil }
    let node = graph.nodes[index]
    guard program.graph.outputs.count >= node.outputs.count else { return nil }
    let captured = program.graph.captures.map { capture in node.inputs[capture.input].map { knowledge[$0.index] } ?? .unknown }
    // Not what the model declares, which nobody has checked. Nodes in the branch that take one themselves are met once it stands in the
    // place of this one, so that what is on the stack does not grow with how they nest.
    var resolution = Resolution(
      program, knowledge: program.initialKnowledge(captured), isDry: true, skipsFailures: true, control: control, folding: folding)
    try resolution.resolve(program.allNodes, basis: nil, given: nil)
    return (program.graph.outputs.prefix(node.outputs.count).map { resolution.knowledge[$0.index] }, resolution.shortBudget)
  }

  /// The entry values of which the elements would tell branches that are not known yet: few integers or truth values that reach a
  /// condition through nodes without subgraphs.
  func decidingEntries(_ resolution: Resolution) -> Set<Int> {
    var result: Set<Int> = []
    for index in branching {
      guard let op = graph.nodes[index].op.courseTelling, case .postponed(isReady: true) = resolution.outcomes[index] else { continue }
      var found: Set<Int> = []
      var seen: Set<ValueID> = []
      var open = op.decidingInputs.compactMap { graph.nodes[index].inputs[$0] }
      var isKnowable = true
      while isKnowable, let value = open.popLast() {
        guard seen.insert(value).inserted else { continue }
        if case .constant = resolution.knowledge[value.index] { continue }
        if let entry = entryPositions[value] {
          guard case .tensor(let type) = resolution.knowledge[value.index], type.element.isInteger || type.element == .bool,
            type.count <= Program.decidingElements
          else {
            isKnowable = false
            continue
          }
          found.insert(entry)
        } else if let producer = producers[value.index], graph.nodes[producer].subgraphs.isEmpty,
          type(of: graph.nodes[producer].op).isDeterministic, seen.count <= Program.decidingNodes
        {
          for case let input? in graph.nodes[producer].inputs { open.append(input) }
        } else {
          isKnowable = false
        }
      }
      if isKnowable { result.formUnion(found) }
    }
    return result
  }

  /// The program with all branches that the inputs' elements tell in the place of their nodes; nil where they tell none.
  ///
  /// Plans stop to depend on elements that go on changing. A run of theirs computes what any branch reads, and this one what is read.
  func knowingBranches(_ inputs: [Value?], _ control: RunControl) throws(PinionError) -> Program? {
    var entries = inputs.map { Program.knowledge(of: $0) }
    while true {
      var resolution = Resolution(
        self, knowledge: initialKnowledge(entries), isDry: true, skipsFailures: true, tellsCourses: true, control: control)
      try resolution.resolve(allNodes, basis: nil, given: nil)
      let deciding = decidingEntries(resolution)
      guard !deciding.isEmpty else {
        let choices = knownChoices(resolution)
        return choices.isEmpty ? nil : try specialized(choices, control)
      }
      for entry in deciding {
        guard case .tensor(let tensor)? = inputs[entry] else { return nil }
        entries[entry] = .constant(try tensor.copy(allocator: allocator))
      }
    }
  }

  /// The program with these branches in the place of their nodes; nil where there are too many, they cannot be put there, or neither the
  /// session nor the run has room for another program: then the node takes its branch in each run.
  func specialized(_ choices: Choices, _ control: RunControl?) throws(PinionError) -> Program? {
    if let known = specializations.withLock({ $0[choices] }) { return known }
    guard specializations.withLock({ $0.count }) < Program.specializationLimit, specialization == 0 || account.isWithinLimit,
      !(control?.needsIdle(for: graph.recordBytes) ?? false), let graph = graph.replacing(choices)
    else { return nil }
    // What a limit ends is not kept: each try may do twice as much without looking at the limits.
    var poll = BuildPoll(control, grace: specializationGrace.withLock { $0 })
    let program: Program
    do throws(PinionError) {
      program = try Program(
        graph: graph, backend: backend, executor: executor, packed: packed, allocator: allocator, planLimit: planLimit, account: account,
        isVariant: true, specialization: specialization + 1, polling: { (steps) throws(PinionError) in try poll.count(steps) })
    } catch {
      specializationGrace.withLock { $0 = poll.nextGrace }
      throw error
    }
    specializationGrace.withLock { $0 = 0 }
    return specializations.withLock { known in
      if let first = known[choices] { return first }
      // Where too much is held already only the plans have it, of which the oldest go.
      if known.isEmpty || account.isWithinLimit { known[choices] = program }
      return program
    }
  }
}
