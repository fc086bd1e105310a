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

/// com.microsoft's MatMulInteger16: the product of 16-bit integers in 32 bits.
package struct MatMulInteger16: Operator {
  package static let schema = Schema(
    "MatMulInteger16", domain: "com.microsoft", since: 1, inputs: ["A: int16", "B: int16"], outputs: ["Y: int32"])

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    (node.domain, node.name) = ("", "MatMul")
    for index in node.inputs.indices {
      let to: [String: AttributeValue] = ["to": .int(Int64(ElementType.int32.rawValue))]
      node.inputs[index] = .computed(NodeDraft(newest: Cast.schema, attributes: to, inputs: [node.inputs[index]]))
    }
  }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
