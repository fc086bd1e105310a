import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The convolution of quantised tensors, quantised again. The bias counts in units of x_scale * w_scale.
public struct QLinearConv: CPUExecutable {
  public static let schema = Schema(
    "QLinearConv", since: 10,
    inputs: ["x", "x_scale", "x_zero_point", "w", "w_scale", "w_zero_point", "y_scale", "y_zero_point", "B?"], outputs: ["y"])
  let form: ConvForm

  public init(_ attributes: inout AttributeReader) throws(PinionError) { form = try ConvForm(&attributes) }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try context.requireBytes([0, 3, 7])
    try context.requireSameElementType([0, 2])
    try context.requireSameElementType([3, 5])
    try context.requireSingle([1, 2, 6, 7])
    let w = try context.type(3)
    try context.requireSingleOrChannels(4, w)
    try context.requireSingleOrChannels(5, w)
    if let bias = context.optionalType(8), bias.element != .int32 {
      throw .invalidShape("input 'B' is \(bias), expected int32")
    }
    return [try form.infer(try context.type(0), w, bias: context.optionalType(8), element: try context.type(7).element)]
  }

  public func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    convolutionOperations(weights: inputs.count > 3 ? inputs[3] : nil, outputs)
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let shape = try form.shape(try context.type(0), try context.type(3))
    var preparation = Preparation(context)
    let convolution = try IntegerConvolution(shape, x: 0, weights: 3, xZero: 2, wZero: 5, &preparation, context)
    let xScale = try preparation.convert(1, to: .float32), yScale = try preparation.convert(6, to: .float32)
    let wScale = try preparation.convert(4, to: .float32), yZero = try preparation.convert(7, to: .int32)
    let isPerChannel = try context.type(4).count != 1, hasBias = context.has(8)
    let element = try context.outputType(0).element
    guard let code = element.codeKernelType, let codes = element.codeRange else { throw context.unsupportedTypes() }
    let isa = pk_isa_best()
    let channels = shape.groups &* shape.outputs, positions = shape.window.outputCount
    let (stage, lane) = try convolution.stage(context) { frame, image, channel, range, sums in
      let x = xScale.pointer(frame, as: Float.self).pointee, y = yScale.pointer(frame, as: Float.self).pointee
      var scale = x * wScale.pointer(frame, as: Float.self)[isPerChannel ? channel : 0] / y
      let target = frame.rawOutput(0) + ((image &* channels &+ channel) &* positions &+ range.lowerBound)
      withUnsafePointer(to: &scale) { scale in
        var q = pk_quantization()
        q.scale = scale
        q.zero = yZero.pointer(frame)
        (q.low, q.high) = (codes.lowerBound, codes.upperBound)
        _ = pk_requantize_i32(isa, code, &q, hasBias ? frame.input(8, as: Int32.self)[channel] : 0, sums, target, range.count)
      }
    }
    return preparation.kernel([stage], laneScratchBytes: lane)
  }
}
