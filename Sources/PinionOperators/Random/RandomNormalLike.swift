import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Random numbers of the normal distribution with mean `mean` and standard deviation `scale`, as many as the input has elements.
public struct RandomNormalLike: CPUExecutable {
  public static let schema = Schema("RandomNormalLike", since: 22, inputs: ["input: all"], outputs: ["output: floats"])
  public static var isDeterministic: Bool { false }
  public static var computesHalfInFloat32: Bool { true }
  let element: ElementType?
  let mean: Double
  let scale: Double
  let seed: Seed

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.optionalElementType("dtype")
    mean = Double(try attributes.float("mean", default: 0))
    scale = Double(try attributes.float("scale", default: 1))
    seed = try Seed(&attributes)
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    return [TensorType(element ?? type.element, type.shape)]
  }

  public func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: element)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let mean = mean, scale = scale
    return try randomKernel(seed, context) { mean + scale * $0.normal($1) }
  }
}
