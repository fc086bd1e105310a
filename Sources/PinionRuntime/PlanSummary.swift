import PinionBase
import PinionGraph
import PinionTensor

/// What a run for given input types would do.
public struct PlanSummary: Sendable {
  /// The outputs' types; nil where they depend on values that only the run knows.
  public let outputs: [ValueType?]
  /// False where some shape depends on data; the figures then leave out what follows it.
  public let isComplete: Bool
  /// The most bytes held at once besides weights and inputs, outputs included.
  public let peakBytes: Int
  /// Arithmetic operations; a multiplication with an addition counts two.
  public let operations: Int
  /// Nodes that the plan runs, in order, with their outputs' types.
  public let nodes: [(name: String, operatorName: String, outputs: [TensorType])]
}

/// What is known of an input of a program.
public enum PlannedInput: Sendable {
  case type(TensorType)
  case value(Tensor)
  case other
}

extension Program {
  /// Plans without making kernels.
  public func summary(inputs: [PlannedInput]) throws(PinionError) -> PlanSummary {
    guard inputs.count == graph.inputs.count else { throw .internal("\(inputs.count) inputs for \(graph.inputs.count)") }
    var planner = planner(
      inputs: inputs.map {
        switch $0 {
        case .type(let type): .tensor(type)
        case .value(let tensor): .constant(tensor)
        case .other: .other
        }
      }, dryRun: true)
    let segment = try planner.segment(nodes: Array(graph.nodes.indices))
    func type(_ value: ValueID) -> TensorType? {
      switch segment.knowledge[value.index] {
      case .constant(let tensor): tensor.type
      case .tensor(let type): type
      case .unknown, .other: nil
      }
    }
    var operations = 0
    var nodes: [(name: String, operatorName: String, outputs: [TensorType])] = []
    for index in planner.plannedNodes {
      let node = graph.nodes[index]
      let outputs = node.outputs.compactMap { $0.flatMap(type) }
      let inputs = node.inputs.map { $0.flatMap(type) }
      let (sum, overflow) = operations.addingReportingOverflow(node.op.operations(inputs: inputs, outputs: outputs))
      operations = overflow ? .max : sum
      nodes.append((node.name, node.schema.qualifiedName, outputs))
    }
    let outputBytes = graph.outputs.reduce(0) { $0 &+ (type($1)?.byteCount ?? 0) }
    return PlanSummary(
      outputs: graph.outputs.map { value in
        type(value).map { .tensor($0.element, dims: $0.dims.map(Dimension.known)) }
      }, isComplete: segment.eagerNode == nil && segment.remaining.isEmpty, peakBytes: segment.arenaBytes &+ outputBytes,
      operations: operations, nodes: nodes)
  }
}
