import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The product of numbers, quantised to uint8 by their range, with quantised weights, as numbers, plus a bias for each column.
package struct DynamicQuantizeMatMul: CPUExecutable {
  package static let schema = Schema(
    "DynamicQuantizeMatMul", domain: "com.microsoft", since: 1,
    inputs: ["A: float32", "B: T2", "b_scale: float32", "b_zero_point?: T2", "bias?: float32"], outputs: ["Y: float32"], types: ["T2": .bytes])

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let a = try context.type(0)
    let product = try MatrixProduct(a.shape, try context.type(1).shape)
    try context.requireBias(4, columns: product.n)
    return [TensorType(a.element, product.result)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.float32, context.product(0, 1))] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let a = try context.type(0), b = try context.type(1)
    var preparation = Preparation(context)
    let measure = DynamicQuantization(count: a.count)
    let range = try preparation.reserve(measure.scratchBytes), codes = try preparation.reserve(a.count)
    let matrices = try MatrixProduct(a.shape, b.shape)
    let product = IntegerProduct(
      matrices, aIsSigned: false, bIsSigned: b.element == .int8,
      aZero: ProductZero(.scratch(range &+ DynamicQuantization.zeroOffset)),
      bZero: try ProductZero(3, lines: matrices.n, count: matrices.count, &preparation, context))
    let dequantization = Dequantization(
      product, aScale: ProductScale(.scratch(range)),
      bScale: try ProductScale(2, lines: product.columns, count: product.count, &preparation, context), bias: context.has(4) ? 4 : nil)
    var stages = measure.stages(scratch: range) { _, _, _ in }
    stages.append(
      measure.codes(scratch: range) { frame, part in (frame.scratch + (codes &+ part.lowerBound)).assumingMemoryBound(to: UInt8.self) })
    let (stage, lane) = try product.stage(context, a: { UnsafeRawPointer($0.scratch + codes) }, finish: dequantization.finish)
    return preparation.kernel(stages + [stage], laneScratchBytes: lane)
  }
}
