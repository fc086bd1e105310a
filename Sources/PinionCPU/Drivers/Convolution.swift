import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// Sizes of a convolution, transposed or not, over channels-first tensors.
public struct ConvolutionShape: Sendable {
  public var images: Int
  public var groups: Int
  /// Input channels of a group.
  public var channels: Int
  /// Output channels of a group.
  public var outputs: Int
  public var window: Window

  public init(images: Int, groups: Int, channels: Int, outputs: Int, window: Window) {
    self.images = images
    self.groups = groups
    self.channels = channels
    self.outputs = outputs
    self.window = window
  }

  var isEmpty: Bool { images == 0 || groups == 0 || outputs == 0 || window.outputCount == 0 }

  /// The shape for up to three spatial axes.
  var threeAxes: pk_conv_shape {
    var shape = pk_conv_shape()
    shape.images = images
    shape.groups = groups
    shape.channels = channels
    shape.outputs = outputs
    shape.in = triple(window.input, 1)
    shape.kernel = triple(window.kernel, 1)
    shape.stride = triple(window.stride, 1)
    shape.dilation = triple(window.dilation, 1)
    shape.pad = triple(window.padBefore, 0)
    shape.out = triple(window.output, 1)
    return shape
  }

  /// The shape for up to PK_CONV_RANK_LIMIT axes.
  var anyAxes: pk_conv_nd_shape {
    var shape = pk_conv_nd_shape()
    shape.rank = window.rank
    shape.images = images
    shape.groups = groups
    shape.channels = channels
    shape.outputs = outputs
    fillSlots(&shape.in, window.input)
    fillSlots(&shape.kernel, window.kernel)
    fillSlots(&shape.stride, window.stride)
    fillSlots(&shape.dilation, window.dilation)
    fillSlots(&shape.pad, window.padBefore)
    fillSlots(&shape.out, window.output)
    return shape
  }
}

/// Three numbers for depth, height and width, from at most three; missing ones come first.
public func triple(_ values: [Int], _ missing: Int) -> (Int, Int, Int) {
  let all = [Int](repeating: missing, count: max(3 - values.count, 0)) + values
  return (all[0], all[1], all[2])
}

/// Sets the first elements of an array that C declares with a fixed size.
func fillSlots<Tuple>(_ tuple: inout Tuple, _ values: [Int]) {
  withSlots(&tuple) { slots in
    for (slot, value) in zip(slots.indices, values) { slots[slot] = value }
  }
}

/// Calls `body` with the elements of an array of numbers that C declares with a fixed size.
func withSlots<Tuple>(_ tuple: inout Tuple, _ body: (UnsafeMutableBufferPointer<Int>) -> Void) {
  withUnsafeMutableBytes(of: &tuple) { body($0.bindMemory(to: Int.self)) }
}

/// The operands of a convolution as input numbers of the node; output 0 is the result.
public struct ConvolutionOperands: Sendable {
  public var x = 0
  public var weights = 1
  public var bias: Int?
  /// Added before the activation; of the result's shape.
  public var residual: Int?
  public var activation = Activation.none
  public init(bias: Int?, residual: Int? = nil, activation: Activation = .none) {
    self.bias = bias
    self.residual = residual
    self.activation = activation
  }
}

/// The kernel of a float32 convolution with weights [groups * outputs, channels, kernel...].
public func floatConvolutionKernel(
  _ shape: ConvolutionShape, _ operands: ConvolutionOperands, _ context: KernelContext
) throws(PinionError) -> Kernel {
  guard !shape.isEmpty else { return Kernel(stages: []) }
  guard shape.window.rank <= 3 else { return try directConvolutionKernel(shape, operands, Float.self, isTransposed: false, context).named("plain loops") }
  if shape.window.inputCount == 0 { return kernelOfNothing(shape, operands) }
  let isa = pk_isa_best()
  if let product = try singlePositionKernel(shape, operands, context) { return product.named("product on one position") }
  var c = shape.threeAxes
  // Products of windows are cut within a row.
  let isShort = shape.window.kernelCount <= longestDepthwiseRow / max(c.out.2, 1)
  if isShort, pk_conv_depthwise_fits(&c), pk_conv_depthwise_pays(isa, &c) { return try depthwiseKernel(shape, c, operands, context).named("depthwise") }
  if let few = try FewPositions(shape, operands, context) { return try few.kernel(context) }
  // Transforming the weights pays only where it is done once.
  if context.value(operands.weights) != nil, pk_conv_winograd_fits(&c), pk_conv_winograd_pays(isa, &c) {
    return try winogradKernel(shape, c, operands, context).named("Winograd 4x4")
  }
  // Taps that only meet padding go; those that do so in a part of the output are left out there.
  let whole = [c.kernel.0, c.kernel.1, c.kernel.2]
  var first = [0, 0, 0]
  pk_conv_trim(&c, &first)
  let isSkipping = pk_conv_skipping_pays(&c)
  let isWhole = first == [0, 0, 0] && whole == [c.kernel.0, c.kernel.1, c.kernel.2]
  if isWhole, !isSkipping, context.value(operands.weights) != nil, pk_conv_turned_pays(isa, &c) {
    return try turnedKernel(shape, c, operands, context).named("product of channels")
  }
  let part = c
  var form = "conv.\(shape.groups)"
  if isSkipping || !isWhole {
    form += ".\(first).\(c.kernel).\(isSkipping)"
  }

  let weights = try PackedWeightsStage(
    operands.weights, bytes: pk_conv_packed_bytes(isa, &c), parts: shape.groups &* shape.outputs, form: form, context
  ) { [first] (source, target, rows) in
    var c = part
    pk_conv_pack_rows(isa, &c, whole, first, isSkipping, source, rows.lowerBound, rows.upperBound, target)
  }
  let laneScratch = try scratchSize(pk_conv_scratch_bytes(isa, &c))
  let patches = isSkipping ? nil : try SharedPatches(shape, c, operands, isTurned: false, context)
  var blockRows = 0, blockColumns = 0
  if patches != nil { pk_conv_grid_over_patches(isa, &c, context.threads, &blockRows, &blockColumns) } else {
    pk_conv_grid(isa, &c, context.threads, &blockRows, &blockColumns)
  }
  let blocks = ConvolutionBlocks(shape, rows: blockRows, columns: blockColumns)
  let description = c
  return try weights.kernel(
    behind: patches?.stage, scratchBytes: patches?.bytes ?? 0, tasks: blocks.tasks, laneScratchBytes: laneScratch
  ) { frame, task, packed in
    let place = blocks[task]
    var conv = operands.description(description, frame)
    conv.weights = packed
    conv.patches = patches?.pointer(place, frame)
    let block = isSkipping ? pk_conv_skipping_block : pk_conv_block
    block(
      isa, &conv, place.image, place.group, place.rows.lowerBound, place.rows.upperBound, place.columns.lowerBound, place.columns.upperBound,
      frame.laneScratch)
  }.named(isSkipping ? "product of live taps" : "product of windows")
}

/// A convolution whose kernel covers its input once is a product with a matrix of weights, which is read as it lies: images are few,
/// and columns of one position would fill one lane of each vector.
private func singlePositionKernel(
  _ shape: ConvolutionShape, _ operands: ConvolutionOperands, _ context: KernelContext
) throws(PinionError) -> Kernel? {
  let window = shape.window
  guard shape.groups == 1, shape.images <= 4, window.outputCount == 1, window.kernel == window.input, window.padBefore.allSatisfy({ $0 == 0 })
  else { return nil }
  let depth = try shape.channels.multiplied(by: window.kernelCount)
  let product = try MatrixProduct(
    try Shape([shape.images, depth]), try Shape([shape.outputs, depth]), .init(a: false, b: true), inputs: (operands.x, operands.weights))
  var epilogue = ProductEpilogue()
  epilogue.columnBias = operands.bias.map { .input($0) }
  epilogue.residual = operands.residual.map { .input($0) }
  epilogue.activation = operands.activation
  return try floatProductKernel(product, epilogue: epilogue, packsB: false, context)
}

/// The product with its channels in the lanes of vectors, for planes of positions that do not fill them.
private func turnedKernel(
  _ shape: ConvolutionShape, _ c: pk_conv_shape, _ operands: ConvolutionOperands, _ context: KernelContext
) throws(PinionError) -> Kernel {
  let isa = pk_isa_best()
  var c = c
  let weights = try PackedWeightsStage(
    operands.weights, bytes: pk_conv_turned_packed_bytes(isa, &c), parts: shape.groups &* ((shape.outputs &- 1) / pk_sgemm_panel_cols(isa) &+ 1),
    form: "conv.turned.\(shape.groups)", context
  ) { (source, target, panels) in
    var c = shape.threeAxes
    pk_conv_turned_pack_panels(isa, &c, source, panels.lowerBound, panels.upperBound, target)
  }
  var blockRows = 0, blockColumns = 0
  pk_conv_turned_grid(isa, &c, context.threads, &blockRows, &blockColumns)
  let blocks = ConvolutionBlocks(shape, rows: blockRows, columns: blockColumns)
  let scratch = try scratchSize(pk_conv_turned_scratch_bytes(isa, &c, blocks.rows))
  let patches = try SharedPatches(shape, c, operands, isTurned: true, context)
  let description = c
  return try weights.kernel(
    behind: patches?.stage, scratchBytes: patches?.bytes ?? 0, tasks: blocks.tasks, laneScratchBytes: scratch
  ) { frame, task, packed in
    let place = blocks[task]
    var conv = operands.description(description, frame)
    conv.weights = packed
    conv.patches = patches?.pointer(place, frame)
    pk_conv_turned_block(
      isa, &conv, place.image, place.group, place.rows.lowerBound, place.rows.upperBound, place.columns.lowerBound, place.columns.upperBound,
      frame.laneScratch)
  }
}

/// Products of a task over one plane, at most: a millisecond or two.
let depthwiseTask = 1 << 24

/// Products of one row of the output of a depthwise convolution that still make a short task.
let longestDepthwiseRow = 1 << 26

private func depthwiseKernel(
  _ shape: ConvolutionShape, _ c: pk_conv_shape, _ operands: ConvolutionOperands, _ context: KernelContext
) throws(PinionError) -> Kernel {
  let isa = pk_isa_best()
  var c = c
  let scratch = try scratchSize(pk_conv_depthwise_scratch_bytes(isa, &c))
  let planes = shape.images &* shape.groups &* shape.outputs
  let work = max(shape.window.outputCount &* shape.window.kernelCount, 1)
  let description = c
  let height = c.out.1, rows = max(1, min(height, depthwiseTask / max(work / height, 1)))
  if rows < height {
    let parts = (height &- 1) / rows &+ 1
    return .parallel(tasks: try planes.multiplied(by: parts), laneScratchBytes: scratch) { frame, task in
      var conv = operands.description(description, frame)
      conv.weights = frame.input(operands.weights)
      let plane = task / parts, row = task % parts &* rows
      pk_conv_depthwise(isa, &conv, plane, plane &+ 1, row, min(row &+ rows, height), frame.laneScratch)
    }
  }
  var grain = max(1, min((1 << 20) / work, planes / (context.threads &* 3)))
  // Planes that go through the lanes of vectors do so 16 or 8 at a time.
  if grain > 16 { grain = grain / 16 &* 16 }
  return .ranges(planes, grain: grain, laneScratchBytes: scratch) { frame, range in
    var conv = operands.description(description, frame)
    conv.weights = frame.input(operands.weights)
    pk_conv_depthwise(isa, &conv, range.lowerBound, range.upperBound, 0, height, frame.laneScratch)
  }
}

/// A transposed convolution as one ordinary convolution for each place of an output within the stride.
private func phasedKernel(
  _ shape: ConvolutionShape, _ c: pk_conv_shape, _ operands: ConvolutionOperands, _ context: KernelContext
) throws(PinionError) -> Kernel {
  let isa = pk_isa_best()
  var c = c
  let form = "convtranspose.phases.\(shape.groups).\(c.stride).\(c.pad).\(pk_conv_phases_are_turned(isa, &c))"
  let weights = try PackedWeightsStage(
    operands.weights, bytes: pk_conv_phases_packed_bytes(isa, &c), parts: shape.groups, form: form, context
  ) { (source, target, groups) in
    var c = shape.threeAxes
    pk_conv_phases_pack(isa, &c, source, groups.lowerBound, groups.upperBound, target)
  }
  var blockRows = 0, blockColumns = 0
  let positions = pk_conv_phases_grid(isa, &c, context.threads, &blockRows, &blockColumns)
  let blocks = ConvolutionBlocks(shape, rows: blockRows, columns: blockColumns, positions: positions)
  let scratch = try scratchSize(pk_conv_phases_scratch_bytes(isa, &c, blocks.rows, blocks.columns))
  let description = c
  return try weights.kernel(tasks: blocks.tasks, laneScratchBytes: scratch) { frame, task, packed in
    let place = blocks[task]
    var conv = operands.description(description, frame)
    conv.weights = packed
    pk_conv_phases_block(
      isa, &conv, place.image, place.group, place.rows.lowerBound, place.rows.upperBound, place.columns.lowerBound, place.columns.upperBound,
      frame.laneScratch)
  }
}

/// Elements that are written once between two looks at the limits.
private let longestPass = 1 << 19

/// The kernel of a transposed float32 convolution with weights [groups * channels, outputs, kernel...].
public func floatTransposedConvolutionKernel(
  _ shape: ConvolutionShape, _ operands: ConvolutionOperands, _ context: KernelContext
) throws(PinionError) -> Kernel {
  guard !shape.isEmpty else { return Kernel(stages: []) }
  guard shape.window.rank <= 3 else { return try directConvolutionKernel(shape, operands, Float.self, isTransposed: true, context) }
  if shape.window.inputCount == 0 { return kernelOfNothing(shape, operands) }
  let isa = pk_isa_best()
  var c = shape.threeAxes
  if operands.residual == nil, pk_conv_phases_pay(&c) {
    return try phasedKernel(shape, c, operands, context).named("products by place in the stride")
  }
  let weights = try PackedWeightsStage(
    operands.weights, bytes: pk_conv_transpose_packed_bytes(isa, &c), parts: pk_conv_transpose_pack_parts(isa, &c),
    form: "convtranspose.\(shape.groups)", context
  ) { (source, target, parts) in
    var c = shape.threeAxes
    pk_conv_transpose_pack(isa, &c, source, parts.lowerBound, parts.upperBound, target)
  }
  let products = shape.images &* shape.groups
  let work = Double(shape.channels) * Double(shape.window.inputCount) * Double(shape.window.kernelCount)
  let wanted = (context.threads &* 2 &+ products &- 1) / products
  // Each row of blocks packs the input once more.
  let most = max(8, 96 / max(shape.window.kernelCount, 1))
  let rows = max(1, min(most, Int(saturating: min(32e6 / work, Double(most))), (shape.outputs &+ wanted &- 1) / wanted))
  let laneScratch = try scratchSize(pk_conv_transpose_scratch_bytes(isa, &c, rows))
  let blocks = (shape.outputs &- 1) / rows &+ 1
  let description = c
  let isTiling = pk_conv_transpose_is_tiling(&c), plane = shape.window.outputCount
  return try weights.kernel(tasks: products &* blocks, laneScratchBytes: laneScratch) { (frame, task, packed) throws(PinionError) in
    var conv = operands.description(description, frame)
    conv.weights = packed
    let image = task / blocks / shape.groups, group = task / blocks % shape.groups
    let row = task % blocks &* rows, end = min(row &+ rows, shape.outputs)
    if !isTiling, let y = conv.y {
      let start = y + ((image &* shape.groups &+ group) &* shape.outputs &+ row) &* plane
      try inPieces(of: longestPass, (end &- row) &* plane, frame.control) { (start + $0.lowerBound).initialize(repeating: 0, count: $0.count) }
    }
    for step in 0..<pk_conv_transpose_steps(isa, &conv.shape, row, end) {
      try frame.control.check()
      pk_conv_transpose(isa, &conv, image, group, row, end, step, step &+ 1, frame.laneScratch)
    }
    for output in row..<(isTiling ? row : end) {
      try inPieces(of: longestPass, plane, frame.control) {
        pk_conv_finish(isa, &conv, image, group &* shape.outputs &+ output, $0.lowerBound, $0.upperBound)
      }
    }
  }
}

/// The kernel of a float32 convolution, transposed or not, of images without elements: every window lies in padding, and every sum is 0.
private func kernelOfNothing(_ shape: ConvolutionShape, _ operands: ConvolutionOperands) -> Kernel {
  let isa = pk_isa_best(), description = shape.threeAxes
  let channels = shape.groups &* shape.outputs, plane = shape.window.outputCount
  return .parallel(tasks: shape.images &* channels) { (frame, task) throws(PinionError) in
    var conv = operands.description(description, frame)
    guard let y = conv.y else { return }
    try inPieces(of: longestPass, plane, frame.control) {
      (y + task &* plane + $0.lowerBound).initialize(repeating: 0, count: $0.count)
      pk_conv_finish(isa, &conv, task / channels, task % channels, $0.lowerBound, $0.upperBound)
    }
  }.named("bias alone")
}

/// The kernel of a convolution by plain loops, for float64 and for many axes.
public func directConvolutionKernel<T: BinaryFloatingPoint & Element>(
  _ shape: ConvolutionShape, _ operands: ConvolutionOperands, _: T.Type, isTransposed: Bool, _ context: KernelContext
) throws(PinionError) -> Kernel {
  guard !shape.isEmpty else { return Kernel(stages: []) }
  guard shape.window.rank <= PK_CONV_RANK_LIMIT else {
    throw .unsupported("a convolution over \(shape.window.rank) axes; at most \(PK_CONV_RANK_LIMIT) are supported")
  }
  let isPlain = operands.residual == nil && operands.activation.kind == PK_ACT_NONE
  guard isPlain || T.self == Float.self else { throw context.unsupportedTypes() }
  let description = shape.anyAxes
  let positions = shape.window.outputCount, channels = shape.groups &* shape.outputs, isa = pk_isa_best()
  // The planes of the result as rows, for the epilogue.
  var rows = pk_conv_shape()
  (rows.images, rows.groups, rows.outputs, rows.out) = (shape.images, shape.groups, shape.outputs, (1, 1, positions))
  let planeRows = rows
  let planes = shape.images &* shape.groups &* shape.outputs
  let perPosition = max(shape.channels &* shape.window.kernelCount, 1)
  let step = max(1, min((1 << 20) / perPosition, positions))
  let blocks = (positions &- 1) / step &+ 1
  return .parallel(tasks: planes &* blocks) { frame, task in
    var s = description
    let plane = task / blocks, first = task % blocks &* step
    let last = min(first &+ step, positions)
    if T.self == Double.self {
      let function = isTransposed ? pk_conv_transpose_direct_f64 : pk_conv_direct_f64
      function(
        &s, frame.input(operands.x), frame.input(operands.weights), operands.bias.map { frame.input($0) }, frame.output(0), plane,
        plane &+ 1, first, last)
    } else {
      let function = isTransposed ? pk_conv_transpose_direct_f32 : pk_conv_direct_f32
      function(
        &s, frame.input(operands.x), frame.input(operands.weights), operands.bias.map { frame.input($0) }, frame.output(0), plane,
        plane &+ 1, first, last)
      if !isPlain {
        var conv = operands.description(planeRows, frame)
        // It is in the sums.
        conv.epilogue.row_bias = nil
        pk_conv_finish(isa, &conv, plane / channels, plane % channels, first, last)
      }
    }
  }
}

extension ConvolutionOperands {
  @inline(__always)
  func description(_ shape: pk_conv_shape, _ frame: KernelFrame) -> pk_conv {
    var conv = pk_conv()
    conv.shape = shape
    conv.x = frame.input(x)
    conv.y = frame.output(0)
    conv.epilogue = activation.epilogue
    if let bias { conv.epilogue.row_bias = frame.input(bias) }
    if let residual { conv.epilogue.residual = frame.input(residual) }
    return conv
  }
}

/// A size that a C function computed.
public func scratchSize(_ bytes: Int) throws(PinionError) -> Int {
  guard bytes >= 0, bytes < Int.max / 4 else { throw .outOfMemory(bytes: bytes) }
  return bytes
}

/// Weights in packed form: made once where they are constant, in a stage of the kernel where they are computed.
struct PackedWeightsStage {
  typealias Pack = @Sendable (_ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ parts: Range<Int>) -> Void

  let input: Int
  /// Parts that are packed each by itself, and how many of them together.
  let parts: Int
  let grain: Int
  let bytes: Int
  let constant: Buffer?
  let pack: Pack

  init(
    _ input: Int, bytes: Int, parts: Int, form: String, _ context: KernelContext, _ pack: @escaping Pack
  ) throws(PinionError) {
    self.input = input
    self.parts = parts
    self.bytes = try scratchSize(bytes)
    self.pack = pack
    // A million numbers of the result.
    let grain = max((1 << 22) / max(self.bytes / max(parts, 1), 1), 1)
    self.grain = grain
    if let value = context.value(input) {
      constant = try context.packed(value, form: form, bytes: bytes) { (elements, target, work) throws(PinionError) in
        try work.inPieces(of: grain, parts) {
          pack(elements.assumingMemoryBound(to: Float.self), target.assumingMemoryBound(to: Float.self), $0)
        }
      }
    } else {
      constant = nil
    }
  }

  /// - Parameter first: a stage before the tasks, which has the first `scratchBytes` of the kernel's scratch to write.
  func kernel(
    behind first: Kernel.Stage? = nil, scratchBytes: Int = 0, tasks: Int, laneScratchBytes: Int,
    _ body: @escaping @Sendable (KernelFrame, Int, UnsafePointer<Float>) throws(PinionError) -> Void
  ) throws(PinionError) -> Kernel {
    if let constant {
      let main = Kernel.Stage(tasks: tasks) { (frame, task) throws(PinionError) in
        try body(frame, task, UnsafePointer(constant.pointer.assumingMemoryBound(to: Float.self)))
      }
      var kernel = Kernel(stages: first.map { [$0, main] } ?? [main], scratchBytes: scratchBytes, laneScratchBytes: laneScratchBytes)
      kernel.unreadInputs = [input]
      return kernel
    }
    let pack = pack, input = input, offset = try alignedUp(scratchBytes, to: Buffer.alignment)
    let packing = Kernel.Stage.ranges(parts, grain: max(grain / 16, 1)) { frame, range in
      pack(frame.input(input), (frame.scratch + offset).assumingMemoryBound(to: Float.self), range)
    }
    let main = Kernel.Stage(tasks: tasks) { (frame, task) throws(PinionError) in
      try body(frame, task, UnsafePointer((frame.scratch + offset).assumingMemoryBound(to: Float.self)))
    }
    return Kernel(
      stages: first.map { [packing, $0, main] } ?? [packing, main], scratchBytes: try offset.adding(bytes), laneScratchBytes: laneScratchBytes)
  }
}
