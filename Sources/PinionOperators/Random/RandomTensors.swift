import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Random numbers of the normal distribution with mean `mean` and standard deviation `scale`.
package struct RandomNormal: RandomTensor {
  package static let schema = Schema("RandomNormal", since: 22, inputs: [], outputs: ["output: floats"])
  let type: TensorType
  let draws: RandomDraws

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    type = try TensorType(dtypeAndShape: &attributes)
    draws = try RandomDraws(normal: &attributes)
  }
}

/// Random numbers spread evenly from `low` to `high`.
package struct RandomUniform: RandomTensor {
  package static let schema = Schema("RandomUniform", since: 22, inputs: [], outputs: ["output: floats"])
  let type: TensorType
  let draws: RandomDraws

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    type = try TensorType(dtypeAndShape: &attributes)
    draws = try RandomDraws(uniform: &attributes)
  }
}

/// Random numbers of the normal distribution with mean `mean` and standard deviation `scale`, as many as the input has elements.
package struct RandomNormalLike: RandomTensorLike {
  package static let schema = Schema("RandomNormalLike", since: 22, inputs: ["input: all"], outputs: ["output: floats"])
  let element: ElementType?
  let draws: RandomDraws

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.optionalElementType("dtype")
    draws = try RandomDraws(normal: &attributes)
  }
}

/// Random numbers spread evenly from `low` to `high`, as many as the input has elements.
package struct RandomUniformLike: RandomTensorLike {
  package static let schema = Schema("RandomUniformLike", since: 22, inputs: ["input: all"], outputs: ["output: floats"])
  let element: ElementType?
  let draws: RandomDraws

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.optionalElementType("dtype")
    draws = try RandomDraws(uniform: &attributes)
  }
}

/// An operator that fills its output with random numbers.
protocol RandomOperator: CPUExecutable {
  var draws: RandomDraws { get }
}

extension RandomOperator {
  package static var isDeterministic: Bool { false }
  package static var computesHalfInFloat32: Bool { true }
  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try draws.kernel(context) }
}

/// A tensor of the type and shape that the attributes name.
protocol RandomTensor: RandomOperator {
  var type: TensorType { get }
}

extension RandomTensor {
  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [type] }
  package func facts(_ context: FactContext) -> [Fact] { [Fact(type)] }
}

/// A tensor of the input's shape, and of its element type where the attributes name none.
protocol RandomTensorLike: RandomOperator {
  var element: ElementType? { get }
}

extension RandomTensorLike {
  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    return [TensorType(element ?? type.element, type.shape)]
  }
  package func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: element)] }
}

extension TensorType {
  /// The attributes `dtype`, float32 where it is absent, and `shape`.
  fileprivate init(dtypeAndShape attributes: inout AttributeReader) throws(PinionError) {
    let element = try attributes.elementType("dtype", default: .float32)
    var dims: [Int] = []
    for extent in try attributes.ints("shape") { dims.append(try extent.converted()) }
    self.init(element, try Shape(dims))
  }
}

/// A distribution with its parameters, and the seed of what is drawn from it.
struct RandomDraws: Sendable {
  private enum Distribution {
    case normal(mean: Double, scale: Double)
    case uniform(low: Double, high: Double)
  }
  private let distribution: Distribution
  private let seed: Seed

  init(normal attributes: inout AttributeReader) throws(PinionError) {
    distribution = .normal(mean: Double(try attributes.float("mean", default: 0)), scale: Double(try attributes.float("scale", default: 1)))
    seed = try Seed(&attributes)
  }

  init(uniform attributes: inout AttributeReader) throws(PinionError) {
    distribution = .uniform(low: Double(try attributes.float("low", default: 0)), high: Double(try attributes.float("high", default: 1)))
    seed = try Seed(&attributes)
  }

  func kernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch distribution {
    case .normal(let mean, let scale): try normalKernel(seed, context, mean: mean, scale: scale)
    case .uniform(let low, let high): try randomKernel(seed, context) { low + (high - low) * $0.uniform($1) }
    }
  }
}
