import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// (X - mean) / sqrt(variance + epsilon) * scale + bias, with mean and variance over a group of channels of one instance.
package struct GroupNormalization: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "GroupNormalization", since: 21, inputs: ["X: T", "scale: T", "bias: T"], outputs: ["Y: T"], types: ["T": .floats], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let groups: Int
  let epsilon: Float
  /// Before opset 21 scale and bias had an element for each group, since then for each channel.
  let scalesGroups: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    groups = try attributes.int("num_groups", in: 1...Int64(1 << 46))
    epsilon = try attributes.float("epsilon", default: 1e-5)
    scalesGroups = try attributes.bool("pinion_scales_groups")
    attributes.ignore("stash_type")
  }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < 21 { node.attributes["pinion_scales_groups"] = .int(1) }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 2)
    guard type.dims[1] % groups == 0 else {
      throw .invalidShape("X \(type) has \(type.dims[1]) channels, expected a multiple of the \(groups) groups")
    }
    return [type]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try groupedKernel(context, groups: groups, epsilon: epsilon, scalesGroups: scalesGroups)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}

/// Normalises each of `groups` groups of the channels of each instance of input 0; inputs 1 and 2 scale and shift.
func groupedKernel(_ context: KernelContext, groups: Int, epsilon: Float, scalesGroups: Bool) throws(PinionError) -> Kernel {
  let shape = try context.type(0).shape
  let expected = scalesGroups ? groups : shape[1]
  for index in [1, 2] {
    let parameter = try context.type(index)
    guard parameter.count == expected else { throw .invalidShape("scale or bias is \(parameter), expected \(expected) elements") }
  }
  guard let element = try context.type(0).element.kernelType, let function = pk_group_norm_kernel(pk_isa_best(), element) else {
    throw context.unsupportedTypes()
  }
  guard shape.count > 0 else { return Kernel(stages: []) }
  let width = try context.type(0).element.byteWidth
  // With a parameter for each group, a group is one channel to the kernel, however many it has.
  let channels = scalesGroups ? 1 : shape[1] / groups
  let extent = shape.count(1..<shape.rank) / groups, inner = extent / channels
  return .ranges(shape[0] &* groups, grain: max(1, 16_384 / extent)) { frame, range in
    var unit = range.lowerBound
    while unit < range.upperBound {
      // The parameters start again with each instance.
      let group = unit % groups, count = min(groups &- group, range.upperBound &- unit)
      let offset = unit &* extent &* width, parameters = group &* channels &* width
      function(
        frame.rawInput(0) + offset, frame.rawInput(1) + parameters, frame.rawInput(2) + parameters, frame.rawOutput(0) + offset, count,
        channels, inner, Double(epsilon))
      unit &+= count
    }
  }
}

/// (X - mean) / sqrt(variance + epsilon) * scale + B, with mean and variance over one channel of one instance.
package struct InstanceNormalization: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "InstanceNormalization", since: 22, inputs: ["input: T", "scale: T", "B: T"], outputs: ["output: T"], types: ["T": .floats], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let epsilon: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    epsilon = try attributes.float("epsilon", default: 1e-5)
    attributes.ignore("consumed_inputs")
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try context.type(0, rankAtLeast: 2)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try groupedKernel(context, groups: try context.type(0).dims[1], epsilon: epsilon, scalesGroups: false)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}
