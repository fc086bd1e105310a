import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The product of quantised matrices, quantised again.
package struct QLinearMatMul: CPUExecutable {
  package static let schema = Schema(
    "QLinearMatMul", since: 21,
    inputs: ["a: T1", "a_scale: floats", "a_zero_point: T1", "b: T2", "b_scale: floats", "b_zero_point: T2", "y_scale: floats", "y_zero_point: T3"],
    outputs: ["y: T3"], types: ["T1": [.float8s, .bytes], "T2": [.float8s, .bytes], "T3": [.float8s, .bytes]])

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try context.requireBytes([0, 3, 7])
    try context.requireSingle([6, 7])
    let product = try MatrixProduct(try context.type(0).shape, try context.type(3).shape)
    return [TensorType(try context.type(7).element, product.result)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context[7].element, context.product(0, 3))] }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    productOperations(depth: inputs.first??.dims.last, outputs)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    var preparation = Preparation(context)
    let product = try integerProduct(a: 0, b: 3, aZero: 2, bZero: 5, &preparation, context)
    let requantization = try Requantization(
      product, aScale: 1, bScale: 4, yScale: 6, yZero: 7, &preparation, context)
    let (stage, lane) = try product.stage(context, finish: requantization.finish)
    return preparation.kernel([stage], laneScratchBytes: lane)
  }
}

/// From the sums of an integer product to codes in output 0.
struct Requantization: Sendable {
  let aScale: ProductScale
  let bScale: ProductScale
  let yScale: Preparation.Place
  let yZero: Preparation.Place?
  let element: ElementType
  let code: pk_type
  let range: ClosedRange<Int32>
  let columns: Int
  let size: Int

  init(
    _ product: IntegerProduct, aScale: Int, bScale: Int, yScale: Int, yZero: Int, _ preparation: inout Preparation,
    _ context: KernelContext
  ) throws(PinionError) {
    self.aScale = try ProductScale(aScale, lines: product.rows, count: product.count, &preparation, context)
    self.bScale = try ProductScale(bScale, lines: product.columns, count: product.count, &preparation, context)
    self.yScale = try preparation.convert(yScale, to: .float32)
    self.yZero = try preparation.convertIfPresent(yZero, to: .int32)
    element = try context.outputType(0).element
    guard let code = element.codeKernelType, let range = element.codeRange else { throw context.unsupportedTypes() }
    self.code = code
    self.range = range
    columns = product.columns
    size = product.rows &* product.columns
  }

  var finish: IntegerProduct.Finish {
    let isa = pk_isa_best()
    return { frame, product, row, part, sums, room in
      let scaleA = aScale.pointer(frame, product)[aScale.isVector ? row : 0]
      let scaleB = bScale.pointer(frame, product), scaleY = yScale.pointer(frame, as: Float.self).pointee
      if bScale.isVector {
        for column in part { room[column &- part.lowerBound] = scaleA * scaleB[column] / scaleY }
      } else {
        room.pointee = scaleA * scaleB.pointee / scaleY
      }
      var q = pk_quantization()
      q.scale = UnsafePointer(room)
      q.zero = yZero?.pointer(frame)
      q.per_element = bScale.isVector
      (q.low, q.high) = (range.lowerBound, range.upperBound)
      let start = product &* size &+ row &* columns &+ part.lowerBound
      _ = pk_requantize_i32(isa, code, &q, 0, sums, frame.rawOutput(0) + start &* element.byteWidth, part.count)
    }
  }
}

/// A scale of a product's operand: one, one for each row (column for B), or one for each of each matrix.
struct ProductScale: Sendable {
  let place: Preparation.Place
  let isVector: Bool
  private let stride: Int

  init(_ input: Int, lines: Int, count: Int, _ preparation: inout Preparation, _ context: KernelContext) throws(PinionError) {
    let type = try context.type(input)
    let all = lines &* max(count, 1)
    guard type.count == 1 || type.count == lines || type.count == all else {
      throw .invalidShape("scale \(type), expected one element or \(lines)")
    }
    place = try preparation.convert(input, to: .float32)
    isVector = type.count != 1
    stride = type.count == all && count > 1 ? lines : 0
  }

  /// One scale at hand.
  init(_ place: Preparation.Place) {
    self.place = place
    isVector = false
    stride = 0
  }

  @inline(__always)
  func pointer(_ frame: KernelFrame, _ product: Int) -> UnsafePointer<Float> { place.pointer(frame) + product &* stride }
}
