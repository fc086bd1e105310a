import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// (X - mean) / sqrt(variance + epsilon) * Scale + B, with mean and variance over the axes from `axis` on.
///
/// Computes in float32, or in float64 for float64 inputs, whatever `stash_type` says beyond the type of the outputs Mean
/// and InvStdDev.
public struct LayerNormalization: CPUExecutable {
  public static let schema = Schema(
    "LayerNormalization", since: 17, inputs: ["X: T", "Scale: T", "B?: T"],
    outputs: ["Y: T", "Mean?: float32|bfloat16", "InvStdDev?: float32|bfloat16"], types: ["T": .floats], mixing: ["T"])
  public static var computesHalfInFloat32: Bool { true }
  package let axis: Int64
  let epsilon: Float
  let stashType: ElementType

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -1)
    epsilon = try attributes.float("epsilon", default: 1e-5)
    stashType = try attributes.elementType("stash_type", default: .float32)
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    let axis = try type.shape.normalized(axis: axis)
    for index in [1, 2] where context.has(index) {
      try requireBroadcast(try context.type(index), to: type)
    }
    let statistics = TensorType(stashType, try type.shape.reduced(Set(axis..<type.rank), keepsAxes: true))
    return [type, statistics, statistics]
  }

  public func facts(_ context: FactContext) -> [Fact] {
    let statistics = Fact(stashType, context.statistics(from: axis))
    return [context.like(0), statistics, statistics]
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let rows = try NormalizedRows(
      context, normalization: RowNormalization(epsilon: Double(epsilon), centers: true),
      axis: try context.type(0).shape.normalized(axis: axis), scale: 1, bias: context.has(2) ? 2 : nil)
    return try rows.kernel(context, mean: context.wants(output: 1) ? 1 : nil, factor: context.wants(output: 2) ? 2 : nil)
  }

  public func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
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
