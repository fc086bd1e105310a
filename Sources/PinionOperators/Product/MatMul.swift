import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Products of matrices, with batch axes in front that broadcast, as `numpy.matmul`.
public struct MatMul: CPUExecutable {
  public static let schema = Schema("MatMul", since: 13, inputs: ["A: T", "B: T"], outputs: ["Y: T"], types: ["T": [.floats, .wideIntegers]])
  public static var computesHalfInFloat32: Bool { true }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let a = try context.type(0), b = try context.type(1)
    return [TensorType(a.element, try MatrixProduct(a.shape, b.shape).result)]
  }

  public func facts(_ context: FactContext) -> [Fact] { [Fact(context.element(of: 0..<2), context.product(0, 1))] }

  public func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    productOperations(depth: inputs.first??.dims.last, outputs)
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let a = try context.type(0), b = try context.type(1)
    let product = try MatrixProduct(a.shape, b.shape)
    guard a.element == .float32 else { return try genericProductKernel(product, a.element, context) }
    return try floatProductKernel(product, context)
  }
}
