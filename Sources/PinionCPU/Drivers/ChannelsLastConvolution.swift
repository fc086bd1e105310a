import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// A convolution of bytes over tensors whose channels come last, or between two transpositions of those whose channels come first, with constant weights and
/// zero points of them, from codes to codes.
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
  private let method: Method
  private let packed: Buffer
  private let weightsHaveZeros: Bool
  /// Where x and y lie in the scratch memory, with their channels last, if they are transposed.
  private var transposed: (x: Int, y: Int)?

  private enum Method: String {
    case depthwise, few, winograd, products

    init(_ isa: pk_isa, _ c: inout pk_conv_shape) {
      self =
        pk_conv_int8_last_is_depthwise(&c)
        ? .depthwise : pk_conv_int8_few_fits(isa, &c) ? .few : pk_conv_int8_winograd_fits(isa, &c) ? .winograd : .products
    }
  }

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
    let isa = pk_isa_best()
    // Nodes that share weights may have different zero points of them.
    let form = "conv.int8.last.\(shape.groups).\(weightsHaveZeros ? values.map { "\($0)" }.joined(separator: ",") : "0")."
    var method = Method(isa, &c)
    if method == .winograd {
      let exact = try context.packed(constant, form: form + "exact", bytes: 1) { elements, target, _ in
        var c = shape.threeAxes
        let isExact = each.withUnsafeBufferPointer {
          pk_conv_int8_winograd_is_exact(&c, flip, elements.assumingMemoryBound(to: UInt8.self), $0.baseAddress)
        }
        target.storeBytes(of: isExact ? 1 : 0, as: UInt8.self)
      }
      if exact.pointer.load(as: UInt8.self) == 0 { method = .products }
    }
    self.method = method
    let size =
      switch method {
      case .depthwise, .products: pk_conv_int8_last_packed_bytes(isa, &c)
      case .few: pk_conv_int8_few_packed_bytes(&c)
      case .winograd: pk_conv_int8_winograd_packed_bytes(&c)
      }
    packed = try context.packed(constant, form: form + method.rawValue, bytes: try scratchSize(size)) { (elements, target, work) throws(PinionError) in
      var c = shape.threeAxes
      let elements = elements.assumingMemoryBound(to: UInt8.self)
      let panels = method == .winograd ? pk_conv_int8_winograd_panels(&c) : 1
      try work.inPieces(of: (1 << 16) / max(c.channels &* 16, 1), panels) { panels in
        each.withUnsafeBufferPointer { zeros in
          let zeros = zeros.baseAddress
          switch method {
          case .depthwise, .products: pk_conv_int8_last_pack(isa, &c, flip, elements, zeros, target)
          case .few: pk_conv_int8_few_pack(&c, flip, elements, zeros, target)
          case .winograd: pk_conv_int8_winograd_pack(&c, flip, elements, zeros, panels.lowerBound, panels.upperBound, target)
          }
        }
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
  /// - Parameter channelsFirst: whether input and output have their channels first.
  public func kernel(channelsFirst: Bool, _ preparation: inout Preparation, _ context: KernelContext) throws(PinionError) -> Kernel {
    let c = shape.threeAxes, window = shape.window
    let inputs = c.groups &* c.channels, outputs = c.groups &* c.outputs
    var convolution = self
    if channelsFirst {
      let x = try c.images.multiplied(by: inputs).multiplied(by: window.inputCount)
      let y = try c.images.multiplied(by: outputs).multiplied(by: window.outputCount)
      convolution.transposed = (try preparation.reserve(x), try preparation.reserve(y))
    }
    let (main, lane) = try convolution.stage(&preparation, context)
    var stages = [main]
    if let (source, target) = convolution.transposed {
      let input = x
      stages = [
        try transposition(images: c.images, rows: inputs, columns: window.inputCount) { ($0.rawInput(input), $0.scratch + source) }, main,
        try transposition(images: c.images, rows: window.outputCount, columns: outputs) { (UnsafeRawPointer($0.scratch + target), $0.rawOutput(0)) },
      ]
    }
    let name =
      switch method {
      case .depthwise: "int8 depthwise to codes, channels last"
      case .few: "int8 product to few codes, channels last"
      case .winograd: "int8 Winograd to codes, channels last"
      case .products: "int8 product to codes, channels last"
      }
    var kernel = preparation.kernel(stages, laneScratchBytes: lane).named(name)
    // Weights are read in their packed form alone.
    kernel.unreadInputs.append(weights)
    return kernel
  }

  /// Of each image's `rows` x `columns` bytes.
  private func transposition(
    images: Int, rows: Int, columns: Int, _ places: @escaping @Sendable (KernelFrame) -> (UnsafeRawPointer, UnsafeMutableRawPointer)
  ) throws(PinionError) -> Kernel.Stage {
    let copy = try StridedCopy(width: 1, dims: [images, columns, rows], from: [rows &* columns, 1, columns])
    return .ranges(copy.units, grain: max(1, (1 << 17) / max(copy.unitBytes, 1))) { frame, units in
      let (from, to) = places(frame)
      copy.run(units, from: from, to: to)
    }
  }

  /// The convolution itself, and the scratch memory of its lanes.
  private func stage(
    _ preparation: inout Preparation, _ context: KernelContext
  ) throws(PinionError) -> (stage: Kernel.Stage, laneScratchBytes: Int) {
    let isa = pk_isa_best()
    var c = shape.threeAxes
    let convolution = self, shape = c, method = method
    let termBytes =
      switch method {
      case .depthwise, .products: pk_conv_int8_last_terms_bytes(isa, &c)
      case .few: pk_conv_int8_few_terms_bytes(&c)
      case .winograd: pk_conv_int8_winograd_terms_bytes(&c)
      }
    let terms = try preparation.compute(bytes: try scratchSize(termBytes)) { frame, target in
      var conv = convolution.description(shape, frame)
      switch method {
      case .depthwise, .products: pk_conv_int8_last_terms(isa, &conv, target)
      case .few: pk_conv_int8_few_terms(&conv, target)
      case .winograd: pk_conv_int8_winograd_terms(&conv, target)
      }
    }
    let groups = c.groups, outputs = c.outputs, products = c.images &* groups
    switch method {
    case .depthwise: return try depthwise(c, terms, context)
    case .few:
      let pieces = try scratchSize(pk_conv_int8_few_pieces(&c)), each = pk_conv_int8_few_grid(&c, products, context.threads)
      let blocks = (pieces &- 1) / each &+ 1
      let stage = Kernel.Stage(tasks: try products.multiplied(by: blocks)) { frame, task in
        let product = task / blocks, first = task % blocks &* each
        var conv = convolution.description(shape, frame)
        conv.terms = UnsafeRawPointer(terms.pointer(frame, as: UInt32.self))
        pk_conv_int8_few_block(&conv, product / groups, product % groups, first, min(first &+ each, pieces), frame.laneScratch)
      }
      return (stage, try scratchSize(pk_conv_int8_few_scratch_bytes(&c)))
    case .winograd, .products:
      let isWinograd = method == .winograd
      var rows = 0, columns = 0
      if isWinograd {
        pk_conv_int8_winograd_grid(&c, products, context.threads, &rows, &columns)
      } else {
        pk_conv_int8_last_grid(isa, &c, products, context.threads, &rows, &columns)
      }
      let places = isWinograd ? pk_conv_int8_winograd_tiles(&c) : self.shape.window.outputCount
      let lane = isWinograd ? pk_conv_int8_winograd_scratch_bytes(&c, columns) : pk_conv_int8_last_scratch_bytes(isa, &c, columns)
      let (blockRows, blockColumns) = (rows, columns)
      let rowBlocks = (outputs &- 1) / blockRows &+ 1, blocks = rowBlocks &* ((places &- 1) / blockColumns &+ 1)
      let stage = Kernel.Stage(tasks: products &* blocks) { frame, task in
        let product = task / blocks, block = task % blocks
        let row = block % rowBlocks &* blockRows, column = block / rowBlocks &* blockColumns
        let lastRow = min(row &+ blockRows, outputs), lastColumn = min(column &+ blockColumns, places)
        var conv = convolution.description(shape, frame)
        conv.terms = UnsafeRawPointer(terms.pointer(frame, as: UInt32.self))
        if isWinograd {
          pk_conv_int8_winograd_block(&conv, product / groups, product % groups, row, lastRow, column, lastColumn, frame.laneScratch)
        } else {
          pk_conv_int8_last_block(isa, &conv, product / groups, product % groups, row, lastRow, column, lastColumn, frame.laneScratch)
        }
      }
      return (stage, try scratchSize(lane))
    }
  }

  /// Channels by themselves, row by row.
  private func depthwise(
    _ shape: pk_conv_shape, _ terms: Preparation.Place, _ context: KernelContext
  ) throws(PinionError) -> (stage: Kernel.Stage, laneScratchBytes: Int) {
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
    return (main, lane)
  }

  /// What all blocks share, but the terms.
  @inline(__always)
  private func description(_ shape: pk_conv_shape, _ frame: KernelFrame) -> pk_conv_int8_last {
    var conv = pk_conv_int8_last()
    conv.shape = shape
    (conv.x_signed, conv.y_signed) = (xIsSigned, yIsSigned)
    conv.x = (transposed.map { UnsafeRawPointer(frame.scratch + $0.x) } ?? frame.rawInput(x)).assumingMemoryBound(to: UInt8.self)
    conv.weights = UnsafeRawPointer(packed.pointer)
    conv.x_zero = xZero.pointer(frame, as: Int32.self).pointee
    conv.y_zero = yZero.pointer(frame, as: Int32.self).pointee
    conv.w_has_zero = weightsHaveZeros
    if let bias { conv.bias = frame.input(bias, as: Int32.self) }
    conv.scale = scales.pointer(frame, as: Float.self)
    conv.y = (transposed.map { frame.scratch + $0.y } ?? frame.rawOutput(0)).assumingMemoryBound(to: UInt8.self)
    return conv
  }
}
