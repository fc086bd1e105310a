import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The product of quantised matrices as numbers: MatMulInteger times both scales, plus a bias for each column.
package struct MatMulIntegerToFloat: CPUExecutable {
  package static let schema = Schema(
    "MatMulIntegerToFloat", domain: "com.microsoft", since: 1,
    inputs: ["A: T1", "B: T2", "a_scale: T3", "b_scale: T3", "a_zero_point?: T1", "b_zero_point?: T2", "bias?: T3"], outputs: ["Y: T3"],
    types: ["T1": .bytes, "T2": .bytes, "T3": [.float32, .float16, .bfloat16]])
  package static var computesHalfInFloat32: Bool { true }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let product = try MatrixProduct(try context.type(0).shape, try context.type(1).shape)
    try context.requireBias(6, columns: product.n)
    return [TensorType(try context.type(2).element, product.result)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context[2].element, context.product(0, 1))] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.outputType(0).element == .float32 else { throw context.unsupportedTypes() }
    var preparation = Preparation(context)
    let product = try integerProduct(a: 0, b: 1, aZero: 4, bZero: 5, &preparation, context)
    let dequantization = Dequantization(
      product, aScale: try ProductScale(2, lines: product.rows, count: product.count, &preparation, context),
      bScale: try ProductScale(3, lines: product.columns, count: product.count, &preparation, context), bias: context.has(6) ? 6 : nil)
    let (stage, lane) = try product.stage(context, finish: dequantization.finish)
    return preparation.kernel([stage], laneScratchBytes: lane)
  }
}

/// From the sums of an integer product to numbers in output 0.
struct Dequantization: Sendable {
  let aScale: ProductScale
  let bScale: ProductScale
  let bias: Int?
  let columns: Int
  let size: Int

  init(_ product: IntegerProduct, aScale: ProductScale, bScale: ProductScale, bias: Int?) {
    self.aScale = aScale
    self.bScale = bScale
    self.bias = bias
    columns = product.columns
    size = product.rows &* product.columns
  }

  var finish: IntegerProduct.Finish {
    let isa = pk_isa_best()
    return { frame, product, row, part, sums, _ in
      var scale = pk_sum_scale()
      scale.factor = aScale.pointer(frame, product)[aScale.isVector ? row : 0]
      scale.scale = bScale.pointer(frame, product) + (bScale.isVector ? part.lowerBound : 0)
      scale.per_element = bScale.isVector
      if let bias { scale.bias = frame.input(bias, as: Float.self) + part.lowerBound }
      let target = frame.output(0, as: Float.self) + (product &* size &+ row &* columns &+ part.lowerBound)
      pk_scale_sums(isa, &scale, sums, target, part.count)
    }
  }
}

extension InferenceContext {
  /// Checks that an input, where it is there, has a number for each column of a product.
  func requireBias(_ index: Int, columns: Int) throws(PinionError) {
    guard let bias = optionalType(index), bias.count != columns else { return }
    throw .invalidShape("bias \(bias), expected a number for each of the \(columns) columns")
  }
}
