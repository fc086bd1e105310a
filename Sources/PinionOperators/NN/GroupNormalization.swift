import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// (X - mean) / sqrt(variance + epsilon) * scale + bias, with mean and variance over a group of channels of one instance.
public struct GroupNormalization: CPUExecutable {
  public static let schema = Schema("GroupNormalization", since: 21, inputs: ["X", "scale", "bias"], outputs: ["Y"])
  public static var computesHalfInFloat32: Bool { true }
  let groups: Int
  let epsilon: Float
  /// Before opset 21 scale and bias had an element for each group, since then for each channel.
  let scalesGroups: Bool

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    groups = try attributes.int("num_groups", in: 1...Int64(1 << 46))
    epsilon = try attributes.float("epsilon", default: 1e-5)
    scalesGroups = try attributes.bool("pinion_scales_groups")
    attributes.ignore("stash_type")
  }

  public static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < 21 { node.attributes["pinion_scales_groups"] = .int(1) }
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 2)
    guard type.dims[1] % groups == 0 else {
      throw .invalidShape("X \(type) has \(type.dims[1]) channels, expected a multiple of the \(groups) groups")
    }
    return [type]
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try groupedKernel(context, groups: groups, epsilon: epsilon, scalesGroups: scalesGroups)
  }

  public func reusableInputs(_ context: KernelContext) -> [Int] { [0] }
}

/// Normalises each of `groups` groups of the channels of each instance of input 0; inputs 1 and 2 scale and shift.
func groupedKernel(_ context: KernelContext, groups: Int, epsilon: Float, scalesGroups: Bool) throws(PinionError) -> Kernel {
  try context.inference.requireSameElementType([0, 1, 2])
  let shape = try context.type(0).shape
  let expected = scalesGroups ? groups : shape[1]
  for index in [1, 2] {
    let parameter = try context.type(index)
    guard parameter.count == expected else { throw .invalidShape("scale or bias is \(parameter), expected \(expected) elements") }
  }
  switch try context.type(0).element {
  case .float32: return kernel(Float.self)
  case .float64: return kernel(Double.self)
  default: throw context.unsupportedTypes()
  }

  func kernel<T: RealElement>(_ type: T.Type) -> Kernel {
    guard shape.count > 0 else { return Kernel(stages: []) }
    let channels = shape[1], perGroup = channels / groups
    let spatial = shape.count(2..<shape.rank), extent = perGroup &* spatial
    return .ranges(shape[0] &* groups, grain: max(1, 16_384 / extent)) { frame, range in
      for row in range {
        let x = frame.input(0, as: T.self) + row &* extent, y = frame.output(0, as: T.self) + row &* extent
        let scale = frame.input(1, as: T.self), bias = frame.input(2, as: T.self)
        let (mean, variance) = meanAndVariance(x, count: extent)
        let factor = 1 / (variance + Double(epsilon)).squareRoot()
        let group = row % groups
        for channel in 0..<perGroup {
          let parameter = scalesGroups ? group : group &* perGroup &+ channel
          let multiplier = Double(scale[parameter]) * factor
          let shift = Double(bias[parameter]) - mean * multiplier
          scaleAndShift(x + channel &* spatial, y + channel &* spatial, count: spatial, scale: T(multiplier), shift: T(shift))
        }
      }
    }
  }
}
