import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The convolution of quantised tensors, quantised again. The bias counts in units of x_scale * w_scale.
package struct QLinearConv: CPUExecutable {
  package static let schema = Schema(
    "QLinearConv", since: 10,
    inputs: [
      "x: T1", "x_scale: float32", "x_zero_point: T1", "w: T2", "w_scale: float32", "w_zero_point: T2", "y_scale: float32", "y_zero_point: T3",
      "B?: int32",
    ], outputs: ["y: T3"], types: ["T1": .bytes, "T2": .bytes, "T3": .bytes])
  let form: ConvForm

  package init(_ attributes: inout AttributeReader) throws(PinionError) { form = try ConvForm(&attributes) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try QuantizedConvolution(form: form, isChannelsLast: false).infer(context)
  }

  package func facts(_ context: FactContext) -> [Fact] { QuantizedConvolution(form: form, isChannelsLast: false).facts(context) }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    convolutionOperations(weights: inputs.count > 3 ? inputs[3] : nil, outputs)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try QuantizedConvolution(form: form, isChannelsLast: false).makeKernel(context)
  }
}

/// ONNX Runtime's operator of the same name, whose x and y may have their channels last. The weights do not change.
package struct MicrosoftQLinearConv: CPUExecutable {
  package static let schema = Schema(
    "QLinearConv", domain: "com.microsoft", since: 1,
    inputs: [
      "x: T1", "x_scale: float32", "x_zero_point: T1", "w: T2", "w_scale: float32", "w_zero_point: T2", "y_scale: float32", "y_zero_point: T3",
      "B?: int32",
    ], outputs: ["y: T3"], types: ["T1": .bytes, "T2": .bytes, "T3": .bytes])
  let convolution: QuantizedConvolution

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    convolution = QuantizedConvolution(form: try ConvForm(&attributes), isChannelsLast: try attributes.bool("channels_last"))
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { try convolution.infer(context) }

  package func facts(_ context: FactContext) -> [Fact] { convolution.facts(context) }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard convolution.isChannelsLast, let y = outputs.first, let y = try? y.channelsFirst() else {
      return convolutionOperations(weights: inputs.count > 3 ? inputs[3] : nil, outputs)
    }
    return convolutionOperations(weights: inputs.count > 3 ? inputs[3] : nil, [y])
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try convolution.makeKernel(context) }
}

/// A convolution of quantised tensors, quantised again, with the operands of QLinearConv.
struct QuantizedConvolution: Sendable {
  let form: ConvForm
  let isChannelsLast: Bool

  func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let x = try context.type(0), w = try context.type(3), y = try context.type(7)
    for index in 0..<8 { _ = try context.type(index) }
    for index in [1, 2, 6, 7] { try context.checkScalar(index) }
    for index in [4, 5] { try context.check(index, onePer: w.dims.first ?? 0) }
    let first = isChannelsLast ? try x.channelsFirst() : x
    let result = try form.infer(first, w, bias: context.optionalType(8), element: y.element)
    return [isChannelsLast ? try channelsLast(result) : result]
  }

  func facts(_ context: FactContext) -> [Fact] {
    [form.facts(x: context[0], w: context[3], element: context[7].element, isChannelsLast: isChannelsLast, context.symbols)]
  }

  private func channelsLast(_ type: TensorType) throws(PinionError) -> TensorType {
    TensorType(type.element, try Shape([type.dims[0]] + type.dims[2...] + [type.dims[1]]))
  }

  func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let x = try context.type(0)
    let shape = try form.shape(isChannelsLast ? try x.channelsFirst() : x, try context.type(3))
    let window = shape.window
    let isPointwise = window.kernelCount == 1 && window.stride.allSatisfy { $0 == 1 } && window.output == window.input
    var preparation = Preparation(context)
    let codes = try ConvolutionCodes(&preparation, context)
    if let kernel = try codes.kernel(shape, isChannelsLast: isChannelsLast, &preparation, context) { return kernel }
    if isChannelsLast, isPointwise, shape.groups == 1 { return try pointwiseKernel(shape, context) }
    let convolution = try IntegerConvolution(shape, x: 0, weights: 3, xZero: 2, wZero: 5, &preparation, context)
    let channels = shape.groups &* shape.outputs, positions = window.outputCount
    guard isChannelsLast else {
      let (stage, lane) = try convolution.stage(context) { frame, image, channel, range, sums in
        let start = (image &* channels &+ channel) &* positions &+ range.lowerBound
        codes.write(frame, channel, sums, range.count, frame.rawOutput(0) + start)
      }
      return preparation.kernel([stage], laneScratchBytes: lane)
    }
    // Between two transpositions the channels come first.
    let inputs = shape.groups &* shape.channels, inputPositions = window.inputCount
    let source = try preparation.reserve(x.count), target = try preparation.reserve(try context.outputType(0).count)
    let (stage, lane) = try convolution.stage(context, x: { UnsafeRawPointer($0.scratch + source) }) { frame, image, channel, range, sums in
      let start = (image &* channels &+ channel) &* positions &+ range.lowerBound
      codes.write(frame, channel, sums, range.count, frame.scratch + (target &+ start))
    }
    let toFirst = try transposition(images: shape.images, rows: inputPositions, columns: inputs)
    let toLast = try transposition(images: shape.images, rows: channels, columns: positions)
    return preparation.kernel(
      [
        .ranges(toFirst.units, grain: max(1, (1 << 17) / max(toFirst.unitBytes, 1))) { frame, units in
          toFirst.run(units, from: frame.rawInput(0), to: frame.scratch + source)
        },
        stage,
        .ranges(toLast.units, grain: max(1, (1 << 17) / max(toLast.unitBytes, 1))) { frame, units in
          toLast.run(units, from: frame.scratch + target, to: frame.rawOutput(0))
        },
      ], laneScratchBytes: lane)
  }

  /// Of each image's `rows` x `columns` bytes.
  private func transposition(images: Int, rows: Int, columns: Int) throws(PinionError) -> StridedCopy {
    try StridedCopy(width: 1, dims: [images, columns, rows], from: [rows &* columns, 1, columns])
  }

  /// A window of one element over channels that lie together is a product of matrices.
  private func pointwiseKernel(_ shape: ConvolutionShape, _ context: KernelContext) throws(PinionError) -> Kernel {
    var preparation = Preparation(context)
    let codes = try ConvolutionCodes(&preparation, context)
    let rows = shape.images &* shape.window.outputCount
    let matrices = try MatrixProduct(
      try Shape([rows, shape.channels]), try Shape([shape.outputs, shape.channels]), MatrixProduct.Transposition(b: true), inputs: (0, 3))
    let product = IntegerProduct(
      matrices, aIsSigned: try context.type(0).element == .int8, bIsSigned: try context.type(3).element == .int8,
      aZero: try ProductZero(2, lines: matrices.m, count: 1, &preparation, context),
      bZero: try ProductZero(5, lines: matrices.n, count: 1, &preparation, context))
    let columns = shape.outputs
    let finish: IntegerProduct.Finish = { frame, _, row, part, sums, room in
      codes.write(frame, part, sums, room, frame.rawOutput(0) + (row &* columns &+ part.lowerBound))
    }
    let (stage, lane) = try product.stage(context, finish: finish)
    return preparation.kernel([stage], laneScratchBytes: lane)
  }
}

/// From the sums of a convolution to its codes.
private struct ConvolutionCodes: Sendable {
  private let xScale: Preparation.Place
  private let wScale: Preparation.Place
  private let yScale: Preparation.Place
  private let yZero: Preparation.Place
  private let isPerChannel: Bool
  private let hasBias: Bool
  private let code: pk_type
  private let range: ClosedRange<Int32>
  private let isa = pk_isa_best()

  init(_ preparation: inout Preparation, _ context: KernelContext) throws(PinionError) {
    xScale = try preparation.convert(1, to: .float32)
    wScale = try preparation.convert(4, to: .float32)
    yScale = try preparation.convert(6, to: .float32)
    yZero = try preparation.convert(7, to: .int32)
    isPerChannel = try context.type(4).count != 1
    hasBias = context.has(8)
    let element = try context.outputType(0).element
    guard let code = element.codeKernelType, let range = element.codeRange else { throw context.unsupportedTypes() }
    self.code = code
    self.range = range
  }

  /// The kernel that needs no sums in memory, where there is one.
  func kernel(
    _ shape: ConvolutionShape, isChannelsLast: Bool, _ preparation: inout Preparation, _ context: KernelContext
  ) throws(PinionError) -> Kernel? {
    let overPlanes = isChannelsLast ? false : try RequantizedConvolution.fits(shape, weights: 3, weightsZero: 5, context)
    let channelsLast = overPlanes ? false : try ChannelsLastConvolution.fits(shape, weights: 3, weightsZero: 5, context)
    guard overPlanes || channelsLast else { return nil }
    let channels = shape.groups &* shape.outputs, codes = self
    let scales = try preparation.compute(bytes: try channels.multiplied(by: 4)) { frame, target in
      let target = target.assumingMemoryBound(to: Float.self)
      for channel in 0..<channels { target[channel] = codes.scale(frame, channel) }
    }
    let xZero = try preparation.convert(2, to: .int32), bias = hasBias ? 8 : nil
    guard overPlanes else {
      return try ChannelsLastConvolution(shape, x: 0, weights: 3, weightsZero: 5, xZero: xZero, yZero: yZero, scales: scales, bias: bias, context)?
        .kernel(channelsFirst: !isChannelsLast, &preparation, context)
    }
    return try RequantizedConvolution(
      shape, x: 0, weights: 3, weightsZero: 5, xZero: xZero, yZero: yZero, scales: scales, bias: bias, codes: range, context)?
      .kernel(&preparation, context)
  }

  private func scale(_ frame: KernelFrame, _ channel: Int) -> Float {
    let x = xScale.pointer(frame, as: Float.self).pointee, y = yScale.pointer(frame, as: Float.self).pointee
    return x * wScale.pointer(frame, as: Float.self)[isPerChannel ? channel : 0] / y
  }

  private func quantization(_ frame: KernelFrame, _ scale: UnsafePointer<Float>) -> pk_quantization {
    var q = pk_quantization()
    q.scale = scale
    q.zero = yZero.pointer(frame)
    (q.low, q.high) = (range.lowerBound, range.upperBound)
    return q
  }

  /// Sums of one channel.
  func write(_ frame: KernelFrame, _ channel: Int, _ sums: UnsafePointer<Int32>, _ count: Int, _ target: UnsafeMutableRawPointer) {
    var scale = scale(frame, channel)
    withUnsafePointer(to: &scale) { scale in
      var q = quantization(frame, scale)
      _ = pk_requantize_i32(isa, code, &q, hasBias ? frame.input(8, as: Int32.self)[channel] : 0, sums, target, count)
    }
  }

  /// Sums of one position, one for each channel of a range.
  func write(
    _ frame: KernelFrame, _ channels: Range<Int>, _ sums: UnsafePointer<Int32>, _ room: UnsafeMutablePointer<Float>,
    _ target: UnsafeMutableRawPointer
  ) {
    if hasBias {
      let bias = frame.input(8, as: Int32.self) + channels.lowerBound
      for index in 0..<channels.count { room[index] = Float(sums[index] &+ bias[index]) }
    } else {
      for index in 0..<channels.count { room[index] = Float(sums[index]) }
    }
    if isPerChannel {
      for index in 0..<channels.count { room[index] *= scale(frame, channels.lowerBound &+ index) }
    } else {
      let scale = scale(frame, 0)
      for index in 0..<channels.count { room[index] *= scale }
    }
    var one: Float = 1
    withUnsafePointer(to: &one) { one in
      var q = quantization(frame, one)
      _ = pk_quantize_f32(isa, code, &q, room, target, channels.count)
    }
  }
}
