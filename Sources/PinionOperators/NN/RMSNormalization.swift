import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// X / sqrt(mean square + epsilon) * scale, with the mean square over the axes from `axis` on.
public struct RMSNormalization: CPUExecutable {
  public static let schema = Schema("RMSNormalization", since: 23, inputs: ["X: floats", "scale: V"], outputs: ["Y: V"], types: ["V": .floats])
  public static var computesHalfInFloat32: Bool { true }
  let axis: Int64
  let epsilon: Float

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -1)
    epsilon = try attributes.float("epsilon", default: 1e-5)
    attributes.ignore("stash_type")
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0), scale = try context.type(1)
    _ = try type.shape.normalized(axis: axis)
    try requireBroadcast(scale, to: type)
    return [TensorType(scale.element, type.shape)]
  }

  public func facts(_ context: FactContext) -> [Fact] { [Fact(context[1].element, context[0].dims)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let rows = try NormalizedRows(
      context, normalization: RowNormalization(epsilon: Double(epsilon), centers: false),
      axis: try context.type(0).shape.normalized(axis: axis), scale: 1, bias: nil)
    return try rows.kernel(context, mean: nil, factor: nil)
  }

  public func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}
