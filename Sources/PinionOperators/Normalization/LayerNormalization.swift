import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// (X - mean) / sqrt(variance + epsilon) * Scale + B, with mean and variance over the axes from `axis` on.
///
/// Computes in float32, or in float64 for float64 inputs, whatever `stash_type` says beyond the type of the outputs Mean
/// and InvStdDev.
package struct LayerNormalization: CPUExecutable {
  package static let schema = Schema(
    "LayerNormalization", since: 17, inputs: ["X: T", "Scale: T", "B?: T"],
    outputs: ["Y: T", "Mean?: float32|bfloat16", "InvStdDev?: float32|bfloat16"], types: ["T": .floats], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  package let axis: Int64
  let epsilon: Float
  let stashType: ElementType

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -1)
    epsilon = try attributes.float("epsilon", default: 1e-5)
    stashType = try attributes.elementType("stash_type", default: .float32)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    let axis = try type.shape.normalized(axis: axis)
    for index in [1, 2] where context.has(index) {
      try requireBroadcast(try context.type(index), to: type)
    }
    let statistics = TensorType(stashType, try type.shape.reduced(Set(axis..<type.rank), keepsAxes: true))
    return [type, statistics, statistics]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let statistics = Fact(stashType, context.statistics(from: axis))
    return [context.like(0), statistics, statistics]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let rows = try NormalizedRows(
      context, normalization: RowNormalization(epsilon: Double(epsilon), centers: true),
      axis: try context.type(0).shape.normalized(axis: axis), scale: 1, bias: context.has(2) ? 2 : nil)
    return try rows.kernel(context, mean: context.wants(output: 1) ? 1 : nil, factor: context.wants(output: 2) ? 2 : nil)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}

/// Checks that an operand broadcasts to `type` without enlarging it.
func requireBroadcast(_ operand: TensorType, to type: TensorType) throws(PinionError) {
  guard try Shape.broadcast([operand.shape, type.shape]) == type.shape else {
    throw .invalidShape("\(operand) does not broadcast to \(type)")
  }
}

extension NormalizedRows {
  /// The kernel for the element type that all floating-point inputs share.
  func kernel(_ context: KernelContext, mean: Int?, factor: Int?) throws(PinionError) -> Kernel {
    try context.inference.requireSameElementType([0, scale, bias].compactMap { $0 })
    switch try context.type(0).element {
    case .float32: return try kernel(context, Float.self, mean: mean, factor: factor)
    case .float64: return try kernel(context, Double.self, mean: mean, factor: factor)
    default: throw context.unsupportedTypes()
    }
  }
}

/// X / sqrt(mean square + epsilon) * scale, with the mean square over the axes from `axis` on.
package struct RMSNormalization: CPUExecutable {
  package static let schema = Schema("RMSNormalization", since: 23, inputs: ["X: floats", "scale: V"], outputs: ["Y: V"], types: ["V": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let axis: Int64
  let epsilon: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -1)
    epsilon = try attributes.float("epsilon", default: 1e-5)
    attributes.ignore("stash_type")
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0), scale = try context.type(1)
    _ = try type.shape.normalized(axis: axis)
    try requireBroadcast(scale, to: type)
    return [TensorType(scale.element, type.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context[1].element, context[0].dims)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let rows = try NormalizedRows(
      context, normalization: RowNormalization(epsilon: Double(epsilon), centers: false),
      axis: try context.type(0).shape.normalized(axis: axis), scale: 1, bias: nil)
    return try rows.kernel(context, mean: nil, factor: nil)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}

/// RMSNormalization as ONNX Runtime writes it into the domain of ONNX; the second output is 1 / sqrt(mean square + epsilon).
package struct SimplifiedLayerNormalization: CPUExecutable {
  package static let schema = Schema(
    "SimplifiedLayerNormalization", since: 1, inputs: ["X: floats", "scale: V"], outputs: ["Y: V", "inv_std_var?: float32|float64"],
    types: ["V": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let axis: Int64
  let epsilon: Float
  let stashType: ElementType

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -1)
    epsilon = try attributes.float("epsilon", default: 1e-5)
    stashType = try attributes.elementType("stash_type", default: .float32)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0), scale = try context.type(1)
    let axis = try type.shape.normalized(axis: axis)
    try requireBroadcast(scale, to: type)
    let statistics = TensorType(stashType, try type.shape.reduced(Set(axis..<type.rank), keepsAxes: true))
    return [TensorType(scale.element, type.shape), statistics]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(context[1].element, context[0].dims), Fact(stashType, context.statistics(from: axis))]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let rows = try NormalizedRows(
      context, normalization: RowNormalization(epsilon: Double(epsilon), centers: false),
      axis: try context.type(0).shape.normalized(axis: axis), scale: 1, bias: nil)
    return try rows.kernel(context, mean: nil, factor: context.wants(output: 1) ? 1 : nil)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}
