import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

extension Program {
  /// The outputs' types for inputs of these types, without a run: what inference says, and where that depends on values, what the
  /// model declares. For a body that is never run.
  /// - Parameter inputs: what is known of each input and then of each captured value.
  func outputTypes(inputs: [Knowledge]) -> [ValueType?] {
    let declared = graph.outputs.map { graph[$0].type }
    // A body that would fail for these inputs fails where it runs; here it does not.
    var planner = planner(inputs: inputs, dryRun: true)
    guard let segment = try? planner.segment(nodes: Array(graph.nodes.indices)) else { return declared }
    return zip(graph.outputs, declared).map { output, declared in
      switch segment.knowledge[output.index] {
      case .constant(let tensor): Value.tensor(tensor).type
      case .tensor(let type): ValueType(type)
      case .unknown, .other: declared
      }
    }
  }

  /// What a type says before there is a value.
  static func knowledge(ofType type: ValueType) -> Knowledge {
    guard case .tensor(let element, let dims?) = type else { return .other }
    var extents: [Int] = []
    for dimension in dims {
      guard case .known(let extent) = dimension else { return .other }
      extents.append(extent)
    }
    guard let shape = try? Shape(extents) else { return .other }
    return .tensor(TensorType(element, shape))
  }

  /// What is known of a captured value, which is the same in every iteration: few integers, which shapes may depend on, by value.
  static func knowledge(ofCaptured value: Value?) -> Knowledge {
    if case .tensor(let tensor)? = value, tensor.element == .int64 || tensor.element == .int32, tensor.count <= 64 {
      return .constant(tensor)
    }
    return knowledge(of: value)
  }
}
