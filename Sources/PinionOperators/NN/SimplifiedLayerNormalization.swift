import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// RMSNormalization as ONNX Runtime writes it into the domain of ONNX; the second output is 1 / sqrt(mean square + epsilon).
public struct SimplifiedLayerNormalization: CPUExecutable {
  public static let schema = Schema(
    "SimplifiedLayerNormalization", since: 1, inputs: ["X: floats", "scale: V"], outputs: ["Y: V", "inv_std_var?: float32|float64"],
    types: ["V": .floats])
  public static var computesHalfInFloat32: Bool { true }
  let axis: Int64
  let epsilon: Float
  let stashType: ElementType

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -1)
    epsilon = try attributes.float("epsilon", default: 1e-5)
    stashType = try attributes.elementType("stash_type", default: .float32)
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0), scale = try context.type(1)
    let axis = try type.shape.normalized(axis: axis)
    try requireBroadcast(scale, to: type)
    let statistics = TensorType(stashType, try type.shape.reduced(Set(axis..<type.rank), keepsAxes: true))
    return [TensorType(scale.element, type.shape), statistics]
  }

  public func facts(_ context: FactContext) -> [Fact] {
    [Fact(context[1].element, context[0].dims), Fact(stashType, context.statistics(from: axis))]
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let rows = try NormalizedRows(
      context, normalization: RowNormalization(epsilon: Double(epsilon), centers: false),
      axis: try context.type(0).shape.normalized(axis: axis), scale: 1, bias: nil)
    return try rows.kernel(context, mean: nil, factor: context.wants(output: 1) ? 1 : nil)
  }

  public func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}
