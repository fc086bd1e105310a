import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Random numbers spread evenly from `low` to `high`, as many as the input has elements.
public struct RandomUniformLike: CPUExecutable {
  public static let schema = Schema("RandomUniformLike", since: 22, inputs: ["input: all"], outputs: ["output: floats"])
  public static var isDeterministic: Bool { false }
  public static var computesHalfInFloat32: Bool { true }
  let element: ElementType?
  let low: Double
  let high: Double
  let seed: Seed

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.optionalElementType("dtype")
    low = Double(try attributes.float("low", default: 0))
    high = Double(try attributes.float("high", default: 1))
    seed = try Seed(&attributes)
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    return [TensorType(element ?? type.element, type.shape)]
  }

  public func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: element)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let low = low, high = high
    return try randomKernel(seed, context) { low + (high - low) * $0.uniform($1) }
  }
}
