import PinionBackend
import PinionBase
import PinionGraph

/// A rewriting of a graph that leaves its results as they are.
public protocol Pass: Sendable {
  var name: String { get }
  func run(_ graph: inout Graph, _ context: PassContext) throws(PinionError)
}

/// What passes may ask.
public struct PassContext: Sendable {
  public let resolver: any OperatorResolver
  public let backend: any Backend
  public let executor: StageExecutor
  public init(resolver: any OperatorResolver, backend: any Backend, executor: StageExecutor) {
    self.resolver = resolver
    self.backend = backend
    self.executor = executor
  }
}

/// The passes of each optimisation level, in order.
public enum PassPipeline {
  /// - Parameter level: 0 for none, 1 for those that keep every bit of the result, 2 for all.
  public static func passes(level: Int) -> [any Pass] { [] }

  public static func run(_ graph: inout Graph, level: Int, _ context: PassContext) throws(PinionError) {
    for pass in passes(level: level) { try pass.run(&graph, context) }
  }
}
