import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Random numbers of the normal distribution with mean `mean` and standard deviation `scale`.
public struct RandomNormal: CPUExecutable {
  public static let schema = Schema("RandomNormal", since: 22, inputs: [], outputs: ["output: floats"])
  public static var isDeterministic: Bool { false }
  public static var computesHalfInFloat32: Bool { true }
  let element: ElementType
  let shape: Shape
  let mean: Double
  let scale: Double
  let seed: Seed

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("dtype", default: .float32)
    var dims: [Int] = []
    for extent in try attributes.ints("shape") { dims.append(try extent.converted()) }
    shape = try Shape(dims)
    mean = Double(try attributes.float("mean", default: 0))
    scale = Double(try attributes.float("scale", default: 1))
    seed = try Seed(&attributes)
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [TensorType(element, shape)]
  }

  public func facts(_ context: FactContext) -> [Fact] { [Fact(TensorType(element, shape))] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let mean = mean, scale = scale
    return try randomKernel(seed, context) { mean + scale * $0.normal($1) }
  }
}
