import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Products of matrices, with batch axes in front that broadcast, as `numpy.matmul`.
package struct MatMul: CPUExecutable {
  package static let schema = Schema("MatMul", since: 13, inputs: ["A: T", "B: T"], outputs: ["Y: T"], types: ["T": [.floats, .wideIntegers]])
  package static var computesHalfInFloat32: Bool { true }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let a = try context.type(0), b = try context.type(1)
    return [TensorType(a.element, try MatrixProduct(a.shape, b.shape).result)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context.element(of: 0..<2), context.product(0, 1))] }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    productOperations(depth: inputs.first??.dims.last, outputs)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let a = try context.type(0), b = try context.type(1)
    let product = try MatrixProduct(a.shape, b.shape)
    guard a.element == .float32 else { return try genericProductKernel(product, a.element, context) }
    return try floatProductKernel(product, context)
  }
}
