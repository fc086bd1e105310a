import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// A convolution of bytes over tensors whose channels come last, with constant weights and zero points of them, from codes to codes.
public struct ChannelsLastConvolution: Sendable {
  let shape: ConvolutionShape
  let x: Int
  let weights: Int
  let xIsSigned: Bool
  let yIsSigned: Bool
  let xZero: Preparation.Place
  let yZero: Preparation.Place
  /// A factor from the sums to the codes for each output channel.
  let scales: Preparation.Place
  /// One for each output channel, int32.
  let bias: Int?
  private let packed: Buffer
  private let weightsHaveZeros: Bool

  /// Whether this machine has kernels for any shape.
  public static var isAvailable: Bool {
    var shape = ConvolutionShape(images: 1, groups: 1, channels: 4, outputs: 1, window: Window(input: [1, 1])).threeAxes
    return pk_conv_int8_last_fits(pk_isa_best(), &shape)
  }

  /// - Returns: nil where there is no such kernel on this machine.
  public init?(
    _ shape: ConvolutionShape, x: Int, weights: Int, weightsZero: Int, xZero: Preparation.Place, yZero: Preparation.Place,
    scales: Preparation.Place, bias: Int?, _ context: KernelContext
  ) throws(PinionError) {
    guard try ChannelsLastConvolution.fits(shape, weights: weights, weightsZero: weightsZero, context), let constant = context.value(weights),
      let zeros = context.value(weightsZero)
    else { return nil }
    // Signed weights of unsigned ones, whose zero points move along.
    let isSigned = try IntegerConvolution.isSigned(weights, context), flip: UInt8 = isSigned ? 0 : 128
    let channels = shape.groups &* shape.outputs
    let values = zeros.bytes.map { Int32(Int8(bitPattern: $0 ^ flip)) }
    weightsHaveZeros = values.contains { $0 != 0 }
    let each = values.count == 1 ? [Int32](repeating: values[0], count: channels) : values
    self.shape = shape
    self.x = x
    self.weights = weights
    xIsSigned = try IntegerConvolution.isSigned(x, context)
    yIsSigned = try context.outputType(0).element == .int8
    self.xZero = xZero
    self.yZero = yZero
    self.scales = scales
    self.bias = bias
    var c = shape.threeAxes
    let isa = pk_isa_best(), bytes = try scratchSize(pk_conv_int8_last_packed_bytes(isa, &c))
    // Nodes that share weights may have different zero points of them.
    let form = weightsHaveZeros ? values.map { "\($0)" }.joined(separator: ",") : "0"
    packed = try context.packed(constant, form: "conv.int8.last.\(shape.groups).\(form)", bytes: bytes) { elements, target, _ in
      var c = shape.threeAxes
      each.withUnsafeBufferPointer {
        pk_conv_int8_last_pack(isa, &c, flip, elements.assumingMemoryBound(to: UInt8.self), $0.baseAddress, target)
      }
    }
  }

  /// Whether there is such a kernel on this machine.
  public static func fits(_ shape: ConvolutionShape, weights: Int, weightsZero: Int, _ context: KernelContext) throws(PinionError) -> Bool {
    guard shape.window.rank <= 3, !shape.isEmpty, context.value(weights) != nil, let zeros = context.value(weightsZero),
      zeros.count == 1 || zeros.count == shape.groups &* shape.outputs, [.int8, .uint8].contains(zeros.element)
    else { return false }
    var c = shape.threeAxes
    return pk_conv_int8_last_fits(pk_isa_best(), &c)
  }

  /// The kernel, into output 0.
  public func kernel(_ preparation: inout Preparation, _ context: KernelContext) throws(PinionError) -> Kernel {
    let isa = pk_isa_best()
    var c = shape.threeAxes
    let convolution = self, shape = c
    let terms = try preparation.compute(bytes: try scratchSize(pk_conv_int8_last_terms_bytes(isa, &c))) { frame, target in
      var conv = convolution.description(shape, frame)
      pk_conv_int8_last_terms(isa, &conv, target)
    }
    guard !pk_conv_int8_last_is_depthwise(&c) else { return try depthwise(c, terms, preparation, context) }
    let groups = c.groups, outputs = c.outputs, products = c.images &* groups, places = self.shape.window.outputCount
    var rows = 0, columns = 0
    pk_conv_int8_last_grid(isa, &c, products, context.threads, &rows, &columns)
    let lane = try scratchSize(pk_conv_int8_last_scratch_bytes(isa, &c, columns))
    let (blockRows, blockColumns) = (rows, columns)
    let rowBlocks = (outputs &- 1) / blockRows &+ 1, blocks = rowBlocks &* ((places &- 1) / blockColumns &+ 1)
    let main = Kernel.Stage(tasks: products &* blocks) { frame, task in
      let product = task / blocks, block = task % blocks
      let row = block % rowBlocks &* blockRows, column = block / rowBlocks &* blockColumns
      var conv = convolution.description(shape, frame)
      conv.terms = UnsafeRawPointer(terms.pointer(frame, as: UInt32.self))
      pk_conv_int8_last_block(
        isa, &conv, product / groups, product % groups, row, min(row &+ blockRows, outputs), column, min(column &+ blockColumns, places),
        frame.laneScratch)
    }
    return reading(preparation.kernel([main], laneScratchBytes: lane)).named("int8 product to codes, channels last")
  }

  /// Channels by themselves, row by row.
  private func depthwise(
    _ shape: pk_conv_shape, _ terms: Preparation.Place, _ preparation: Preparation, _ context: KernelContext
  ) throws(PinionError) -> Kernel {
    var c = shape
    let isa = pk_isa_best(), convolution = self
    let lane = try scratchSize(pk_conv_int8_last_rows_scratch_bytes(isa, &c))
    let rows = c.images &* c.out.1, work = max(c.out.2 &* c.groups &* self.shape.window.kernelCount, 1)
    let grain = max(1, min((1 << 23) / work, rows / (context.threads &* 3)))
    let main = Kernel.Stage.ranges(rows, grain: context.threads == 1 ? max(1, (1 << 23) / work) : grain) { frame, range in
      var conv = convolution.description(shape, frame)
      conv.terms = UnsafeRawPointer(terms.pointer(frame, as: UInt32.self))
      pk_conv_int8_last_rows(isa, &conv, range.lowerBound, range.upperBound, frame.laneScratch)
    }
    return reading(preparation.kernel([main], laneScratchBytes: lane)).named("int8 depthwise to codes, channels last")
  }

  /// What all blocks share, but the terms.
  @inline(__always)
  private func description(_ shape: pk_conv_shape, _ frame: KernelFrame) -> pk_conv_int8_last {
    var conv = pk_conv_int8_last()
    conv.shape = shape
    (conv.x_signed, conv.y_signed) = (xIsSigned, yIsSigned)
    conv.x = frame.rawInput(x).assumingMemoryBound(to: UInt8.self)
    conv.weights = UnsafeRawPointer(packed.pointer)
    conv.x_zero = xZero.pointer(frame, as: Int32.self).pointee
    conv.y_zero = yZero.pointer(frame, as: Int32.self).pointee
    conv.w_has_zero = weightsHaveZeros
    if let bias { conv.bias = frame.input(bias, as: Int32.self) }
    conv.scale = scales.pointer(frame, as: Float.self)
    conv.y = frame.rawOutput(0).assumingMemoryBound(to: UInt8.self)
    return conv
  }

  /// Weights are read in their packed form alone.
  private func reading(_ kernel: Kernel) -> Kernel {
    var kernel = kernel
    kernel.unreadInputs.append(weights)
    return kernel
  }
}
