import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionImport
import PinionOperators
import PinionPasses
import PinionRuntime

/// What the models of one file and their sessions share: the mapping, the graph, its rewritten forms and the programs made of them.
final class ModelContent: Sendable {
  let imported: ImportedModel
  let folder: ExternalDataFolder?
  /// Gives memory for forms of weights.
  let allocator: Allocator
  /// nil for a model that was made in code.
  private let file: FileMapping?
  /// Graphs for each level and choice of inputs; programs hold theirs as long as they need them.
  private let rewritten = Lock(RecentlyUsed<Rewriting, Graph>(limit: ModelContent.rewritingLimit))
  private static let rewritingLimit = 8
  private let programs = Lock<[Making: Weak]>([:])
  private let accounts = Lock<[Sharing: WeakAccount]>([:])

  /// What decides a rewritten graph.
  private struct Rewriting: Hashable {
    let level: Int
    let overrides: [Int]
    let isTied: Bool
    let known: [KnownInput]
  }

  /// What decides a program.
  private struct Making: Hashable {
    let variant: ProgramVariant
    let sharing: Sharing
  }

  /// What sessions have alike that share their programs, and what these hold between runs.
  private struct Sharing: Hashable {
    let level: Int
    let planLimit: Int
    let planBytes: Int
    let pool: ObjectIdentifier
    let allocator: [UInt]
  }

  private struct WeakAccount { weak var account: MemoryAccount? }

  /// A program that lives as long as a session has it.
  private struct Weak { weak var program: Program? }

  init(_ file: FileMapping, folder: ExternalDataFolder?, allocator: Allocator, control: RunControl) throws(PinionError) {
    try control.check()
    self.file = file
    self.folder = folder
    self.allocator = allocator
    if let refusal = refusalOfPickle(file) { throw refusal }
    var imported =
      isPT2(file)
      ? try ImportedModel(pt2: file, resolver: OperatorCatalog(), control: control) : try ImportedModel(
        onnx: file, folder: folder, resolver: OperatorCatalog(), control: control)
    try control.check()
    try imported.checkNames()
    try imported.graph.checkElementTypes(control)
    try imported.graph.adoptConstants(allocator: allocator, isNew: true, control: control)
    self.imported = imported
  }

  init(_ imported: ImportedModel, allocator: Allocator, control: RunControl) throws(PinionError) {
    file = nil
    folder = nil
    self.allocator = allocator
    var imported = imported
    try imported.graph.adoptConstants(allocator: allocator, isNew: true, control: control)
    self.imported = imported
  }

  /// The program for these inputs and outputs, shared by all sessions with such options in such a runtime.
  /// - Parameters:
  ///   - isVariant: whether its records count as held between runs.
  ///   - isShared: whether what has to be made is there for others, too.
  ///   - control: the limits of what waits for it, if it has to be made: a session's creation, or a run that is the first to
  ///     name such outputs.
  func program(
    _ variant: ProgramVariant, runtime: Runtime, options: SessionOptions, isVariant: Bool = false, isShared: Bool = true, control: RunControl
  ) throws(PinionError) -> Program {
    let sharing = Sharing(
      level: options.optimization, planLimit: options.planLimit, planBytes: options.planBytes, pool: ObjectIdentifier(runtime.pool),
      allocator: runtime.allocator.identity)
    let making = Making(variant: variant, sharing: sharing)
    if let program = programs.withLock({ $0[making]?.program }) { return program }
    let executor = StageExecutor(pool: runtime.pool), backend = CPUBackend()
    let passes = PassContext(backend: backend, executor: executor, allocator: allocator, control: control)
    var graph = try rewritten(variant, level: options.optimization, isShared: isShared, passes)
    let all = variant.outputs + variant.state.map(\.output)
    if !all.elementsEqual(graph.outputs.indices) || !variant.tables.isEmpty {
      var chosen: [ValueID] = []
      for index in all {
        guard graph.outputs.indices.contains(index) else { throw PinionError(.notFound, "the model has no output \(index)") }
        chosen.append(graph.outputs[index])
      }
      graph.outputs = chosen
      try graph.giveTables(variant.tables)
      if options.optimization > 0 { try PassPipeline.prune(&graph, passes) }
    }
    try control.check()
    if !variant.state.isEmpty { try graph.hold(variant, inputs: imported.graph.inputs.count) }
    var poll = Poll(control)
    let program = try Program(
      graph: graph, backend: backend, executor: executor, packed: PackedWeights(allocator: runtime.allocator), allocator: runtime.allocator,
      planLimit: options.planLimit, account: account(sharing), isVariant: isVariant,
      polling: { (steps) throws(PinionError) in try poll.count(steps) })
    guard isShared else { return program }
    return programs.withLock { programs in
      if let existing = programs[making]?.program { return existing }
      programs = programs.filter { $0.value.program != nil }
      programs[making] = Weak(program: program)
      return program
    }
  }

  private func account(_ sharing: Sharing) -> MemoryAccount {
    accounts.withLock { accounts in
      if let account = accounts[sharing]?.account { return account }
      accounts = accounts.filter { $0.value.account != nil }
      let account = MemoryAccount(limit: sharing.planBytes)
      accounts[sharing] = WeakAccount(account: account)
      return account
    }
  }

  /// The graph with all outputs, rewritten once for each level and choice of inputs.
  private func rewritten(_ variant: ProgramVariant, level: Int, isShared: Bool, _ passes: PassContext) throws(PinionError) -> Graph {
    let rewriting = Rewriting(level: level, overrides: variant.overrides, isTied: variant.isTied, known: variant.known)
    if let graph = rewritten.withLock({ $0.find(rewriting) }) { return graph }
    var graph = imported.graph
    for index in variant.overrides {
      let value = imported.overridable[index].value
      graph.constants[value] = nil
      graph.inputs.append(value)
    }
    if !variant.isTied {
      for input in graph.inputs { graph[input].type = graph[input].type?.withoutDimensionNames }
    }
    if !variant.known.isEmpty {
      try graph.know(variant.known)
      try PassPipeline.takeKnownBranches(&graph, passes)
    }
    try graph.settleCapturedConstants(passes.control)
    try PassPipeline.run(&graph, level: level, passes)
    try graph.adoptConstants(allocator: allocator, control: passes.control)
    // What importing and rewriting looked at. Weights come back into memory when they are packed, piece by piece.
    if let file { file.giveBack(file.bytes) }
    folder?.giveBack()
    guard isShared else { return graph }
    return rewritten.withLock { [graph] in $0.insert(graph, for: rewriting) }
  }
}

/// Inputs with a default that the caller gives, outputs that the caller wants, whether one name of a dimension stands for one extent, and
/// what a state holds.
struct ProgramVariant: Hashable, Sendable {
  let overrides: [Int]
  /// Without those that a state takes.
  let outputs: [Int]
  let isTied: Bool
  var state: [StatePair.Place] = []
  /// The positions in `state` of what no run appends to, whatever its outputs leave of the graph.
  var replaced: Set<Int> = []
  /// The positions in `outputs` of maps of which the tensor is given that ZipMap makes them of.
  var tables: [Int] = []
  /// Inputs of a truth value each that decide branches, with what they are in the runs that take this program.
  var known: [KnownInput] = []
}

extension Graph {
  /// Makes the graph, whose outputs are the wanted ones and then those of the state, append to what the state holds. Its inputs are followed
  /// by the capacities of `held`; its outputs are the wanted ones and then those that are not held, in the order of the pairs.
  fileprivate mutating func hold(_ variant: ProgramVariant, inputs own: Int) throws(PinionError) {
    let wanted = variant.outputs.count
    var pairs: [(past: ValueID, present: ValueID)] = []
    for (position, place) in variant.state.enumerated() {
      guard let input = variant.position(ofInput: place.input, own: own), inputs.indices.contains(input),
        outputs.indices.contains(wanted + position)
      else { throw .internal("a state has an input or output that the model lacks") }
      pairs.append((inputs[input], outputs[wanted + position]))
    }
    outputs = Array(outputs[..<wanted])
    _ = try hold(pairs, replaced: variant.replaced)
    #if DEBUG
      try verify()
    #endif
  }
}

extension ProgramVariant {
  /// Where one of the session's inputs is among the graph's.
  /// - Parameter own: how many inputs the model has without a default.
  func position(ofInput index: Int, own: Int) -> Int? {
    index < own ? index : overrides.firstIndex(of: index - own).map { own + $0 }
  }
}
