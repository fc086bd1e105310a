import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// alpha · A · B + C for quantised matrices; C counts in units of alpha * a_scale * b_scale. The result is quantised again
/// where `y_scale` is given.
package struct QGemm: CPUExecutable {
  package static let schema = Schema(
    "QGemm", domain: "com.microsoft", since: 1,
    inputs: [
      "A: TA", "a_scale: floats", "a_zero_point: TA", "B: TB", "b_scale: floats", "b_zero_point: TB", "C?: int32", "y_scale?: floats",
      "y_zero_point?: bytes|int16|uint16",
    ], outputs: ["Y: U"], types: ["TA": .bytes, "TB": .bytes, "U": [.floats, .bytes, .int16, .uint16]])
  let alpha: Float
  let transposition: MatrixProduct.Transposition

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1)
    transposition = MatrixProduct.Transposition(a: try attributes.bool("transA"), b: try attributes.bool("transB"))
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let a = try context.type(0, rank: 2), b = try context.type(3, rank: 2)
    try context.requireSingle([1, 2, 7, 8])
    let product = try MatrixProduct(a.shape, b.shape, transposition, inputs: (0, 3))
    if let c = context.optionalType(6) {
      guard c.rank <= 2, try Shape.broadcast([product.result, c.shape]) == product.result else {
        throw .invalidShape("input 'C' is \(c), expected what broadcasts to \(product.result)")
      }
    }
    let element: ElementType = context.has(7) ? context.optionalType(8)?.element ?? a.element : .float32
    return [TensorType(element, product.result)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let element = context.has(7) ? (context.has(8) ? context[8].element : context[0].element) : .float32
    return [Fact(element, [context[0].extent(transposition.a ? 1 : 0), context[3].extent(transposition.b ? 0 : 1)])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let a = try context.type(0), b = try context.type(3)
    var preparation = Preparation(context)
    let matrices = try MatrixProduct(a.shape, b.shape, transposition, inputs: (0, 3))
    let product = IntegerProduct(
      matrices, aIsSigned: a.element == .int8, bIsSigned: b.element == .int8,
      aZero: try ProductZero(2, lines: matrices.m, count: 1, &preparation, context),
      bZero: try ProductZero(5, lines: matrices.n, count: 1, &preparation, context))
    let aScale = try preparation.convert(1, to: .float32)
    let bScale = try ProductScale(4, lines: matrices.n, count: 1, &preparation, context)
    let element = try context.outputType(0).element
    var codes: Codes?
    if context.has(7) {
      guard let type = element.codeKernelType, let range = element.codeRange else { throw context.unsupportedTypes() }
      codes = Codes(
        scale: try preparation.convert(7, to: .float32), zero: try preparation.convertIfPresent(8, to: .int32), type: type, range: range)
    }
    let addend = context.optionalType(6).map { c in
      let width = c.dims.last ?? 1
      return (row: c.rank == 2 && c.dims[0] != 1 ? width : 0, column: width != 1 ? 1 : 0)
    }
    let alpha = alpha, columns = matrices.n, isa = pk_isa_best()
    let keptCodes = codes
    let finish: IntegerProduct.Finish = { frame, _, row, part, sums, room in
      let target = keptCodes == nil ? frame.output(0, as: Float.self) + (row &* columns &+ part.lowerBound) : room
      let scale = alpha * aScale.pointer(frame, as: Float.self).pointee
      let scales = bScale.pointer(frame, 0)
      for index in 0..<part.count {
        let column = part.lowerBound &+ index
        var sum = sums[index]
        if let addend { sum &+= frame.input(6, as: Int32.self)[row &* addend.row &+ column &* addend.column] }
        target[index] = Float(sum) * (scale * scales[bScale.isVector ? column : 0])
      }
      guard let keptCodes else { return }
      var q = pk_quantization()
      q.scale = keptCodes.scale.pointer(frame)
      q.zero = keptCodes.zero?.pointer(frame)
      (q.low, q.high) = (keptCodes.range.lowerBound, keptCodes.range.upperBound)
      let start = (row &* columns &+ part.lowerBound) &* element.byteWidth
      _ = pk_quantize_f32(isa, keptCodes.type, &q, room, frame.rawOutput(0) + start, part.count)
    }
    let (stage, lane) = try product.stage(context, finish: finish)
    return preparation.kernel([stage], laneScratchBytes: lane)
  }

  private struct Codes: Sendable {
    let scale: Preparation.Place
    let zero: Preparation.Place?
    let type: pk_type
    let range: ClosedRange<Int32>
  }
}
