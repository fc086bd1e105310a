import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// activation(alpha · op(A) · op(B) + bias) with MatMul's batches, where op transposes a matrix (`transA`, `transB`) or takes
/// its rows from before the batch axes (`transBatchA`, `transBatchB`), and the bias has a number for each column.
package struct FusedMatMul: CPUExecutable {
  package static let schema = Schema(
    "FusedMatMul", domain: "pinion", since: 1, inputs: ["A: T", "B: T", "bias?: T"], outputs: ["Y: T"], types: ["T": [.floats, .wideIntegers]])
  package static var computesHalfInFloat32: Bool { true }
  package let alpha: Float
  package let transposition: MatrixProduct.Transposition
  package let activation: Activation

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1)
    transposition = MatrixProduct.Transposition(
      a: try attributes.bool("transA"), b: try attributes.bool("transB"), batchA: try attributes.bool("transBatchA"),
      batchB: try attributes.bool("transBatchB"))
    activation = try Activation(&attributes)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let a = try context.type(0)
    let product = try MatrixProduct(a.shape, try context.type(1).shape, transposition)
    if let bias = context.optionalType(2), bias.dims != [product.n] {
      throw .invalidShape("input 'bias' is \(bias), expected a number for each of the \(product.n) columns")
    }
    return [TensorType(a.element, product.result)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context.element(of: 0..<2), context.product(0, 1, transposition))] }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    productOperations(depth: inputs.first??.dims.last, outputs)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let a = try context.type(0)
    let product = try MatrixProduct(a.shape, try context.type(1).shape, transposition)
    guard a.element == .float32 else {
      guard activation.kind == PK_ACT_NONE else { throw context.unsupportedTypes() }
      return try genericProductKernel(product, a.element, alpha: alpha, addend: context.has(2) ? (0, 1) : nil, context)
    }
    var epilogue = ProductEpilogue()
    epilogue.alpha = alpha
    epilogue.columnBias = context.has(2) ? .input(2) : nil
    epilogue.activation = activation
    return try floatProductKernel(product, epilogue: epilogue, context)
  }
}

/// ONNX Runtime's form of the same, without bias and activation.
package struct MicrosoftFusedMatMul: Operator {
  package static let schema = Schema(
    "FusedMatMul", domain: "com.microsoft", since: 1, inputs: ["A: T", "B: T"], outputs: ["Y: T"], types: ["T": [.floats, .wideIntegers]])
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.domain = FusedMatMul.schema.domain }
  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try FusedMatMul(&attributes) }
}

/// The name that ONNX Runtime had for it before.
package struct TransposeMatMul: Operator {
  package static let schema = Schema(
    "TransposeMatMul", domain: "com.microsoft", since: 1, inputs: ["A: T", "B: T"], outputs: ["Y: T"], types: ["T": .floats])
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { (node.domain, node.name) = (FusedMatMul.schema.domain, "FusedMatMul") }
  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try FusedMatMul(&attributes) }
}
