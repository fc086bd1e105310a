import PinionBackend
import PinionBase
import PinionGraph

/// A rewriting of a graph that leaves its results as they are.
protocol Pass: Sendable {
  var name: String { get }
  /// Whether what it does to a graph follows from this graph alone, so that a subgraph where it did nothing need not be looked at again.
  var followsFromGraph: Bool { get }
  /// Rewrites the graph in the editor and its subgraphs. What it does follows from the whole graph alone.
  /// - Returns: whether anything has changed.
  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool
}

extension Pass {
  var followsFromGraph: Bool { true }

  /// Rewrites one graph.
  func run(_ graph: inout Graph, _ context: PassContext) throws(PinionError) -> Bool {
    var editor = try GraphEditor(graph, control: context.control)
    guard try run(&editor, context) else { return false }
    graph = editor.graph
    return true
  }
}

/// What passes may ask.
package struct PassContext: Sendable {
  package let backend: any Backend
  package let executor: StageExecutor
  /// Gives memory for constants that stand for others of the model.
  package let allocator: Allocator
  /// The limits of what waits for the graph.
  package let control: RunControl
  let folding: FoldingAccount
  package init(backend: any Backend, executor: StageExecutor, allocator: Allocator = .system, control: RunControl = RunControl()) {
    self.control = control
    folding = FoldingAccount(control)
    self.backend = backend
    self.executor = executor
    self.allocator = allocator
  }
}

/// The passes of each optimisation level, in order.
package enum PassPipeline {
  /// Passes that run again, in order, as long as one of them changes something.
  struct Phase: Sendable {
    let passes: [any Pass]
    /// A bound on the repetitions, for passes that undo each other on some graph.
    let rounds: Int
  }

  private static let exact: [any Pass] = [
    ConstantFolding(), ConstantCondition(), LoopConcatenation(), IdentityRemoval(), CommonSubexpressions(), DeadCode(),
  ]

  /// - Parameter level: 0 for none, 1 for those that keep every bit of the result, 2 for all.
  static func phases(level: Int) -> [Phase] {
    guard level > 0 else { return [] }
    let simplification = Phase(passes: exact, rounds: 8)
    guard level > 1 else { return [simplification] }
    return [
      simplification,
      // Products with constants sum in another order than those without.
      Phase(passes: [LoopInvariants()] + exact, rounds: 8),
      Phase(passes: [QuantizedFusion()], rounds: 4),
      Phase(passes: [QuantizedProducts()], rounds: 4),
      Phase(passes: [OperatorRecognition()], rounds: 4),
      // After what knows constants that were rounded to half, and before what fuses float32.
      Phase(passes: [HalfRegions(), IdentityRemoval(), CommonSubexpressions(), DeadCode()], rounds: 4),
      Phase(passes: [OperatorRecognition()], rounds: 4),
      Phase(passes: [EpilogueFusion()], rounds: 4),
      Phase(passes: [ChannelsLastRegions()], rounds: 1),
      Phase(passes: [ConstantFolding(exceptions: [])] + exact, rounds: 8),
    ]
  }

  /// Rewrites the graph. Its inputs and the number and order of its outputs stay; other values may get new numbers.
  /// - Throws: in debug builds also where a pass leaves a graph that the verifier rejects.
  package static func run(_ graph: inout Graph, level: Int, _ context: PassContext) throws(PinionError) {
    let phases = phases(level: level), declared = graph.outputs.map { graph[$0] }
    var editor = try GraphEditor(graph, control: context.control)
    guard !phases.isEmpty else { return try check(declared, &editor) }
    // The revision of the graph at which each pass has found nothing to do.
    var idle: [String: Int] = [:]
    for phase in phases {
      for _ in 0..<phase.rounds {
        var hasChanged = false
        for pass in phase.passes where idle[pass.name] != editor.revision {
          try context.control.check()
          editor.pass = pass.followsFromGraph ? pass.name : nil
          guard try pass.run(&editor, context) else {
            idle[pass.name] = editor.revision
            continue
          }
          hasChanged = true
          #if DEBUG
            try verify(editor.graph, after: pass)
          #endif
        }
        guard hasChanged else { break }
      }
    }
    try check(declared, &editor)
    graph = try editor.graph.compacted(context.control)
    #if DEBUG
      try graph.verify()
    #endif
  }

  /// Puts the nodes of branches that constants decide in the place of their nodes, on every level. Nodes that no output needs any more go, as they
  /// do where a run finds out which branches it takes.
  package static func takeKnownBranches(_ graph: inout Graph, _ context: PassContext) throws(PinionError) {
    let passes: [any Pass] = [ConstantFolding(), ConstantCondition()]
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      for pass in passes where try pass.run(&graph, context) { hasChanged = true }
    }
    try prune(&graph, context)
  }

  /// - Parameter declared: the outputs as the model has them.
  /// - Throws: where one is of another element type.
  private static func check(_ declared: [ValueInfo], _ editor: inout GraphEditor) throws(PinionError) {
    for (value, output) in zip(declared, editor.graph.outputs) {
      guard let promised = Fact(declared: value.type, editor.symbols).element, let given = editor.fact(output, at: .max).element,
        promised != given
      else { continue }
      throw .invalidModel("output '\(value.name)' is declared as a tensor of \(promised), but its elements are \(given)")
    }
  }

  /// Drops what outputs that somebody has taken out of a rewritten graph needed alone.
  package static func prune(_ graph: inout Graph, _ context: PassContext) throws(PinionError) {
    while try DeadCode().run(&graph, context) {}
    graph = try graph.compacted(context.control)
  }

  #if DEBUG
    private static func verify(_ graph: Graph, after pass: any Pass) throws(PinionError) {
      do { try graph.verify() } catch {
        var error = error
        error.code = .internal
        error.message = "after pass \(pass.name): " + error.message
        throw error
      }
    }
  #endif
}
