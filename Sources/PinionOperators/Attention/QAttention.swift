import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's Attention with a quantised input and quantised weights; what follows the projection is computed in numbers.
package struct QAttention: CPUExecutable {
  package static let schema = Schema(
    "QAttention", domain: "com.microsoft", since: 1,
    inputs: [
      "input: T1", "weight: T2", "bias: T3", "input_scale: T3", "weight_scale: T3", "mask_index?: int32", "input_zero_point?: T1",
      "weight_zero_point?: T2", "past?: T3",
    ], outputs: ["output: T3", "present?: T3"], types: ["T1": .bytes, "T2": .bytes, "T3": [.float32, .float16]])
  package static var computesHalfInFloat32: Bool { true }
  let attention: MicrosoftAttention

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    guard !attributes.has("qkv_hidden_sizes") else { throw .invalidModel("QAttention has no attribute 'qkv_hidden_sizes'") }
    attention = try MicrosoftAttention(&attributes)
  }

  /// The operands as Attention has them.
  private func unquantized(_ context: InferenceContext) throws(PinionError) -> InferenceContext {
    let bias = try context.type(2), input = try context.type(0), weight = try context.type(1)
    return InferenceContext(
      schema: MicrosoftAttention.schema,
      inputs: [
        TensorType(bias.element, input.shape), TensorType(bias.element, weight.shape), bias, context.optionalType(5), context.optionalType(8),
      ], values: [], outputCount: context.outputCount)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let weight = try context.type(1, rank: 2)
    for index in 0..<5 { _ = try context.type(index) }
    for index in [3, 6] { try context.checkScalar(index) }
    for index in [4, 7] { try context.check(index, onePer: weight.dims[1]) }
    return try attention.infer(try unquantized(context))
  }

  package func facts(_ context: FactContext) -> [Fact] {
    attention.facts(
      input: context[0], weights: context[1], past: context.has(8) ? context[8] : nil, element: context[2].element, context.symbols)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.outputType(0).element == .float32 else { throw context.unsupportedTypes() }
    let form = try attention.form(try unquantized(context.inference))
    let rows = form.shape.batch &* form.shape.queries, width = form.width
    var preparation = Preparation(context)
    let matrices = try MatrixProduct(try Shape([rows, form.depth]), try context.type(1).shape)
    let product = IntegerProduct(
      matrices, aIsSigned: try context.type(0).element == .int8, bIsSigned: try context.type(1).element == .int8,
      aZero: try ProductZero(6, lines: matrices.m, count: 1, &preparation, context),
      bZero: try ProductZero(7, lines: matrices.n, count: 1, &preparation, context))
    let inputScale = try preparation.convert(3, to: .float32)
    let weightScale = try ProductScale(4, lines: matrices.n, count: 1, &preparation, context)
    let projected = try preparation.reserve(try rows.multiplied(by: width).multiplied(by: 4))
    let finish: IntegerProduct.Finish = { frame, _, row, part, sums, _ in
      let start = row &* width &+ part.lowerBound
      let target = (frame.scratch + projected).assumingMemoryBound(to: Float.self) + start
      let scale = inputScale.pointer(frame, as: Float.self).pointee
      let scales = weightScale.pointer(frame, 0) + (weightScale.isVector ? part.lowerBound : 0)
      let bias = frame.input(2, as: Float.self) + part.lowerBound
      for column in 0..<part.count {
        target[column] = Float(sums[column]) * (scale * scales[weightScale.isVector ? column : 0]) + bias[column]
      }
    }
    let (stage, lane) = try product.stage(context, finish: finish)
    let first = preparation.kernel([stage], laneScratchBytes: lane)
    var build = AttentionBuild(shape: form.shape)
    (build.stages, build.scratchBytes, build.laneScratchBytes) = (first.stages, first.scratchBytes, first.laneScratchBytes)
    return try attention.kernel(build, form, projected: projected, context, mask: 5, past: 8, bias: nil)
  }
}
