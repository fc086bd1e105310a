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
  /// Nodes that a run executes, in order, with their outputs' types; those of a body that is run several times once.
  public let nodes: [(name: String, operatorName: String, outputs: [TensorType])]
}

/// What is known of an input of a program.
package enum PlannedInput: Sendable {
  case type(TensorType)
  /// The plan is that of the tensor's type. Its elements are looked at only where a shape depends on them.
  case value(Tensor)
  case other
}

extension Program {
  /// Plans without making kernels.
  /// - Parameter control: the limits of the question. What is computed to tell shapes counts against its byte budget.
  package func summary(inputs: [PlannedInput], control: RunControl = RunControl()) throws(PinionError) -> PlanSummary {
    guard inputs.count == graph.inputs.count else { throw .internal("\(inputs.count) inputs for \(graph.inputs.count)") }
    var knowledge: [Knowledge] = []
    for input in inputs {
      switch input {
      case .type(let type): knowledge.append(.tensor(type))
      case .value(let tensor): knowledge.append(.tensor(tensor.type))
      case .other: knowledge.append(.other)
      }
    }
    let positions = entryPositions
    let fed: (ValueID) -> Tensor? = { value in
      guard let position = positions[value], position < inputs.count, case .value(let tensor) = inputs[position] else { return nil }
      return tensor
    }
    let folding = Resolution.foldControl(of: control, part: 1)
    var walk = PlanWalk(control: control, folding: folding)
    let end = try walk.plan(self, inputs: knowledge, values: ShapeValues(self, fed: fed, control: folding))
    let outputBytes = graph.outputs.reduce(0) { $0 &+ (end.made.contains($1) ? 0 : end.knowledge[$1.index].type?.byteCount ?? 0) }
    var outputs: [ValueType?] = graph.outputs.map { value in
      end.knowledge[value.index].type.map { .tensor($0.element, dims: $0.dims.map(Dimension.known)) }
    }
    if outputs.contains(where: { $0 == nil }) {
      // The extents may be known although some between are not.
      let types = knowledge.map { $0.type.map { ValueType.tensor($0.element, dims: $0.dims.map(Dimension.known)) } }
      let inferred = outputTypes(inputs: knowledge, types: types, control: control, folding: folding)
      try control.check()
      for (index, type) in inferred.enumerated() where outputs[index] == nil {
        if case .tensor(_, let dims?)? = type, dims.allSatisfy({ if case .known = $0 { true } else { false } }) { outputs[index] = type }
      }
    }
    return PlanSummary(
      outputs: outputs, isComplete: end.isComplete, peakBytes: walk.peakBytes &+ outputBytes, operations: walk.operations, nodes: walk.nodes)
  }
}
