import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// A convolution of bytes with constant weights whose zero points are 0 (128 where they are uint8), over channels-first tensors, from codes to codes: sums leave
/// the processor's registers as codes.
public struct RequantizedConvolution: Sendable {
  let shape: ConvolutionShape
  let x: Int
  let weights: Int
  let xIsSigned: Bool
  let weightsAreSigned: Bool
  let xZero: Preparation.Place
  let yZero: Preparation.Place
  /// A factor from the sums to the codes for each output channel.
  let scales: Preparation.Place
  /// One for each output channel, int32.
  let bias: Int?
  let codes: ClosedRange<Int32>
  private let isDepthwise: Bool
  private let packed: Buffer
  private let packedBytes: Int

  /// - Returns: nil where there is no such kernel on this machine.
  public init?(
    _ shape: ConvolutionShape, x: Int, weights: Int, weightsZero: Int, xZero: Preparation.Place, yZero: Preparation.Place,
    scales: Preparation.Place, bias: Int?, codes: ClosedRange<Int32>, _ context: KernelContext
  ) throws(PinionError) {
    let isa = pk_isa_best()
    guard try RequantizedConvolution.fits(shape, weights: weights, weightsZero: weightsZero, context), let constant = context.value(weights)
    else { return nil }
    self.shape = shape
    self.x = x
    self.weights = weights
    xIsSigned = try IntegerConvolution.isSigned(x, context)
    let flip = try RequantizedConvolution.flip(weights: weights, weightsZero: weightsZero, context) ?? 0
    let isSigned = try IntegerConvolution.isSigned(weights, context) || flip != 0
    weightsAreSigned = isSigned
    self.xZero = xZero
    self.yZero = yZero
    self.scales = scales
    self.bias = bias
    self.codes = codes
    var c = shape.threeAxes
    isDepthwise = pk_conv_int8_depthwise_fits(isa, &c)
    guard !isDepthwise else {
      packedBytes = try scratchSize(pk_conv_int8_depthwise_packed_bytes(&c))
      packed = try context.packed(constant, form: "conv.int8.depthwise.\(shape.groups)", bytes: packedBytes) { elements, target, _ in
        var c = shape.threeAxes
        pk_conv_int8_depthwise_pack(&c, isSigned, flip, elements.assumingMemoryBound(to: UInt8.self), target)
      }
      return
    }
    let bytes = try scratchSize(pk_conv_int8_packed_bytes(isa, &c)), size = shape.outputs &* shape.channels &* shape.window.kernelCount
    let roomBytes = try scratchSize(pk_conv_int8_pack_bytes(isa, &c))
    packed = try context.packed(
      constant, form: "conv.int8.\(shape.groups)", bytes: try bytes.multiplied(by: shape.groups)
    ) { (elements, target, work) throws(PinionError) in
      var c = shape.threeAxes
      let room = try Allocator.system.buffer(bytes: roomBytes)
      try work.inPieces(of: (1 << 20) / max(size, 1), shape.groups) { groups in
        for group in groups {
          pk_conv_int8_pack(
            isa, &c, isSigned, flip, elements.assumingMemoryBound(to: UInt8.self) + group &* size, room.pointer, target + group &* bytes)
        }
      }
    }
    packedBytes = bytes
  }

  /// Whether there is such a kernel on this machine.
  public static func fits(_ shape: ConvolutionShape, weights: Int, weightsZero: Int, _ context: KernelContext) throws(PinionError) -> Bool {
    guard shape.window.rank <= 3, !shape.isEmpty, context.value(weights) != nil,
      try flip(weights: weights, weightsZero: weightsZero, context) != nil
    else { return false }
    let isa = pk_isa_best()
    var c = shape.threeAxes
    return pk_conv_int8_fits(isa, &c) || pk_conv_int8_depthwise_fits(isa, &c)
  }

  /// What the weights are XORed with, so that they need no zero points; nil where that does not do.
  private static func flip(weights: Int, weightsZero: Int, _ context: KernelContext) throws(PinionError) -> UInt8? {
    guard let zeros = context.value(weightsZero), let first = zeros.bytes.first, zeros.bytes.allSatisfy({ $0 == first }) else { return nil }
    if first == 0 { return 0 }
    guard first == 128, try !IntegerConvolution.isSigned(weights, context) else { return nil }
    return 128
  }

  /// The kernel, into output 0.
  public func kernel(_ preparation: inout Preparation, _ context: KernelContext) throws(PinionError) -> Kernel {
    guard !isDepthwise else { return try depthwise(preparation, context) }
    let isa = pk_isa_best()
    var c = shape.threeAxes
    let layout = pk_conv_int8_layout_of(&c)
    let (groups, channels, outputs) = (shape.groups, shape.channels, shape.outputs)
    let inputs = shape.window.inputCount, positions = shape.window.outputCount, products = shape.images &* groups
    let planes = try products.multiplied(by: channels)
    let room = try layout.in_place ? 0 : preparation.reserve(planes.multiplied(by: scratchSize(layout.plane)).adding(Int(PK_CONV_INT8_SLACK)))
    var rows = 0, columns = 0
    pk_conv_int8_grid(isa, &c, products, context.threads, &rows, &columns)
    let lane = try scratchSize(pk_conv_int8_scratch_bytes(isa, &c, columns))
    let (blockRows, blockColumns) = (rows, columns)
    let rowBlocks = (outputs &- 1) / blockRows &+ 1, blocks = rowBlocks &* ((layout.positions &- 1) / blockColumns &+ 1)
    let shape = c, plane = layout.plane, isInPlace = layout.in_place, places = layout.positions
    let convolution = self

    let main = Kernel.Stage(tasks: products &* blocks) { frame, task in
      let product = task / blocks, block = task % blocks, group = product % groups
      let row = block % rowBlocks &* blockRows, column = block / rowBlocks &* blockColumns
      var conv = convolution.description(shape, frame)
      let source = isInPlace ? frame.rawInput(convolution.x) + product &* channels &* inputs : UnsafeRawPointer(frame.scratch + room) + product &* channels &* plane
      conv.x = source.assumingMemoryBound(to: UInt8.self)
      conv.weights = UnsafeRawPointer(convolution.packed.pointer + group &* convolution.packedBytes)
      if let bias = convolution.bias { conv.bias = frame.input(bias, as: Int32.self) + group &* outputs }
      conv.scale = convolution.scales.pointer(frame, as: Float.self) + group &* outputs
      conv.y = (frame.rawOutput(0) + product &* outputs &* positions).assumingMemoryBound(to: UInt8.self)
      pk_conv_int8_block(isa, &conv, row, min(row &+ blockRows, outputs), column, min(column &+ blockColumns, places), frame.laneScratch)
    }
    guard !isInPlace else { return reading(preparation.kernel([main], laneScratchBytes: lane)).named("int8 product to codes") }
    let padding = Kernel.Stage.ranges(planes, grain: max(1, (1 << 17) / max(plane, 1))) { frame, range in
      var shape = shape
      let zero = UInt8(truncatingIfNeeded: convolution.xZero.pointer(frame, as: Int32.self).pointee)
      let source = frame.rawInput(convolution.x).assumingMemoryBound(to: UInt8.self)
      let target = (frame.scratch + room).assumingMemoryBound(to: UInt8.self)
      for index in range { pk_conv_int8_pad(&shape, source + index &* inputs, zero, target + index &* plane) }
    }
    return reading(preparation.kernel([padding, main], laneScratchBytes: lane)).named("int8 product to codes")
  }

  /// Planes by themselves.
  private func depthwise(_ preparation: Preparation, _ context: KernelContext) throws(PinionError) -> Kernel {
    let isa = pk_isa_best()
    var c = shape.threeAxes
    let lane = try scratchSize(pk_conv_int8_depthwise_scratch_bytes(&c))
    let planes = shape.images &* shape.groups &* shape.outputs, work = max(shape.window.outputCount &* shape.window.kernelCount, 1)
    let grain = max(1, min((1 << 21) / work, planes / (context.threads &* 3)))
    let (shape, convolution) = (c, self)
    let main = Kernel.Stage.ranges(planes, grain: grain) { frame, range in
      var conv = convolution.description(shape, frame)
      conv.x = frame.rawInput(convolution.x).assumingMemoryBound(to: UInt8.self)
      conv.weights = UnsafeRawPointer(convolution.packed.pointer)
      if let bias = convolution.bias { conv.bias = frame.input(bias, as: Int32.self) }
      conv.scale = convolution.scales.pointer(frame, as: Float.self)
      conv.y = frame.rawOutput(0).assumingMemoryBound(to: UInt8.self)
      pk_conv_int8_depthwise(isa, &conv, range.lowerBound, range.upperBound, frame.laneScratch)
    }
    return reading(preparation.kernel([main], laneScratchBytes: lane)).named("int8 depthwise to codes")
  }

  /// What all blocks share.
  @inline(__always)
  private func description(_ shape: pk_conv_shape, _ frame: KernelFrame) -> pk_conv_int8 {
    var conv = pk_conv_int8()
    conv.shape = shape
    (conv.x_signed, conv.w_signed) = (xIsSigned, weightsAreSigned)
    conv.x_zero = xZero.pointer(frame, as: Int32.self).pointee
    conv.y_zero = yZero.pointer(frame, as: Int32.self).pointee
    (conv.low, conv.high) = (codes.lowerBound, codes.upperBound)
    return conv
  }

  /// Weights are read in their packed form alone.
  private func reading(_ kernel: Kernel) -> Kernel {
    var kernel = kernel
    kernel.unreadInputs.append(weights)
    return kernel
  }
}
