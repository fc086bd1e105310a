import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Random numbers spread evenly from `low` to `high`.
public struct RandomUniform: CPUExecutable {
  public static let schema = Schema("RandomUniform", since: 22, inputs: [], outputs: ["output: floats"])
  public static var isDeterministic: Bool { false }
  public static var computesHalfInFloat32: Bool { true }
  let element: ElementType
  let shape: Shape
  let low: Double
  let high: Double
  let seed: Seed

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("dtype", default: .float32)
    var dims: [Int] = []
    for extent in try attributes.ints("shape") { dims.append(try extent.converted()) }
    shape = try Shape(dims)
    low = Double(try attributes.float("low", default: 0))
    high = Double(try attributes.float("high", default: 1))
    seed = try Seed(&attributes)
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [TensorType(element, shape)]
  }

  public func facts(_ context: FactContext) -> [Fact] { [Fact(TensorType(element, shape))] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let low = low, high = high
    return try randomKernel(seed, context) { low + (high - low) * $0.uniform($1) }
  }
}
