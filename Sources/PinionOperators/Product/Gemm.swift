import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// alpha · A · B + beta · C for matrices A and B, either of them transposed, and a C that broadcasts to the result.
package struct Gemm: CPUExecutable {
  package static let schema = Schema("Gemm", since: 13, inputs: ["A: T", "B: T", "C?: T"], outputs: ["Y: T"], types: ["T": [.floats, .wideIntegers]])
  package static var computesHalfInFloat32: Bool { true }
  package let form: GemmForm

  package init(_ attributes: inout AttributeReader) throws(PinionError) { form = try GemmForm(&attributes) }

  /// Up to opset 6 an attribute told whether C broadcasts; it does where it has to.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.attributes["broadcast"] = nil }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try form.infer(context)] }

  package func facts(_ context: FactContext) -> [Fact] { [form.facts(context)] }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    productOperations(depth: form.transposition.a ? inputs.first??.dims.first : inputs.first??.dims.last, outputs)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try form.makeKernel(.none, context) }
}

/// What Gemm and its fused form share.
package struct GemmForm: Sendable {
  package let alpha: Float
  package let beta: Float
  package let transposition: MatrixProduct.Transposition

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1)
    beta = try attributes.float("beta", default: 1)
    transposition = MatrixProduct.Transposition(a: try attributes.bool("transA"), b: try attributes.bool("transB"))
  }

  func infer(_ context: InferenceContext) throws(PinionError) -> TensorType {
    let a = try context.type(0, rank: 2), b = try context.type(1, rank: 2)
    let result = try MatrixProduct(a.shape, b.shape, transposition).result
    if let c = context.optionalType(2) {
      guard c.rank <= 2, try Shape.broadcast([result, c.shape]) == result else {
        throw .invalidShape("input 'C' is \(c), which does not broadcast to \(result)")
      }
    }
    return TensorType(a.element, result)
  }

  func facts(_ context: FactContext) -> Fact {
    Fact(context.element(of: 0..<2), [context[0].extent(transposition.a ? 1 : 0), context[1].extent(transposition.b ? 0 : 1)])
  }

  func makeKernel(_ activation: Activation, _ context: KernelContext) throws(PinionError) -> Kernel {
    let a = try context.type(0), b = try context.type(1)
    let product = try MatrixProduct(a.shape, b.shape, transposition)
    guard a.element == .float32 else {
      guard activation.kind == PK_ACT_NONE else { throw context.unsupportedTypes() }
      let addend = beta == 0 ? nil : context.optionalType(2).map { strides(of: $0.shape) }
      return try genericProductKernel(product, a.element, alpha: alpha, beta: beta, addend: addend, context)
    }
    var epilogue = ProductEpilogue()
    epilogue.alpha = alpha
    epilogue.activation = activation
    if beta != 0, let c = context.optionalType(2) {
      let (row, column) = strides(of: c.shape)
      switch (row, column) {
      case (0, 1) where beta == 1: epilogue.columnBias = .input(2)
      case (1, 0) where beta == 1: epilogue.rowBias = .input(2)
      case (product.n, 1) where beta == 1: epilogue.residual = .input(2)
      default: epilogue.addend = (2, beta, row, column)
      }
    }
    return try floatProductKernel(product, epilogue: epilogue, context)
  }

  /// Elements of C from one row and one column of the result to the next.
  private func strides(of shape: Shape) -> (row: Int, column: Int) {
    let columns = shape.dims.last ?? 1
    return (shape.rank == 2 && shape[0] != 1 ? columns : 0, columns != 1 ? 1 : 0)
  }
}
