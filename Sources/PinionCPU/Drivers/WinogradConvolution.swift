import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// Convolution with a kernel of 3x3, or several of them in depth, with a quarter of the multiplications; errors stay within about 5e-6 of the magnitude of a window's terms.
func winogradKernel(
  _ shape: ConvolutionShape, _ c: pk_conv_shape, _ operands: ConvolutionOperands, _ context: KernelContext
) throws(PinionError) -> Kernel {
  let isa = pk_isa_best()
  var c = c
  let weights = try PackedWeightsStage(
    operands.weights, bytes: pk_conv_winograd_packed_bytes(isa, &c), parts: shape.groups &* shape.outputs, form: "conv.winograd.\(shape.groups)", context
  ) { (source, target, rows) in
    var c = shape.threeAxes
    pk_conv_winograd_pack_rows(isa, &c, source, rows.lowerBound, rows.upperBound, target)
  }
  let rows = pk_conv_winograd_shared_rows(isa, &c, context.threads)
  if rows > 0 { return try sharedWinogradKernel(c, weights, operands, rows: rows, context) }
  let grid = try WinogradGrid(&c, threads: context.threads)
  let scratch = try scratchSize(pk_conv_winograd_scratch_bytes(isa, &c, grid.planes, grid.bands))
  let description = c
  return try weights.kernel(tasks: grid.parts, laneScratchBytes: scratch) { frame, task, packed in
    var conv = operands.description(description, frame)
    conv.weights = packed
    var part = grid.part(task)
    pk_conv_winograd_block(isa, &conv, &part, frame.laneScratch)
  }
}

/// How an output is cut into parts.
private struct WinogradGrid: Sendable {
  let planes: Int, bands: Int
  let depth: Int, height: Int, groups: Int
  let across: Int, parts: Int

  init(_ c: inout pk_conv_shape, threads: Int) throws(PinionError) {
    var planes = 0, bands = 0
    pk_conv_winograd_grid(pk_isa_best(), &c, threads, &planes, &bands)
    (self.planes, self.bands) = (max(planes, 1), max(bands, 1))
    (depth, height, groups) = (c.out.0, (c.out.1 &+ 3) / 4, c.groups)
    across = (height &- 1) / self.bands &+ 1
    parts = try (c.images &* c.groups).multiplied(by: across &* ((depth &- 1) / self.planes &+ 1))
  }

  func part(_ number: Int) -> pk_winograd_part {
    let each = across &* ((depth &- 1) / planes &+ 1)
    let product = number / each, rest = number % each
    let plane = rest / across &* planes, band = rest % across &* bands
    return pk_winograd_part(
      image: product / groups, group: product % groups, plane0: plane, plane1: min(plane &+ planes, depth), band0: band,
      band1: min(band &+ bands, height))
  }
}

/// Parts of few tiles, fewer than there are threads: these share the transformed input of each part and take output channels apart.
private func sharedWinogradKernel(
  _ c: pk_conv_shape, _ weights: PackedWeightsStage, _ operands: ConvolutionOperands, rows: Int, _ context: KernelContext
) throws(PinionError) -> Kernel {
  let isa = pk_isa_best()
  var c = c
  let grid = try WinogradGrid(&c, threads: 1)
  let bytes = try scratchSize(pk_conv_winograd_input_bytes(isa, &c, grid.planes, grid.bands))
  let lane = try scratchSize(pk_conv_winograd_half_scratch_bytes(isa, &c, grid.planes, grid.bands))
  let description = c
  let channels = c.channels, outputs = c.outputs
  let step = max(1, channels / (context.threads &* 2))
  let channelBlocks = (channels &- 1) / step &+ 1, rowBlocks = (outputs &- 1) / rows &+ 1
  return try weights.kernel(
    behind: Kernel.Stage(tasks: grid.parts &* channelBlocks) { frame, task in
      var conv = operands.description(description, frame)
      var part = grid.part(task / channelBlocks)
      let first = task % channelBlocks &* step
      pk_conv_winograd_transform(
        isa, &conv, &part, first, min(first &+ step, channels), (frame.scratch + task / channelBlocks &* bytes).assumingMemoryBound(to: Float.self),
        frame.laneScratch)
    }, scratchBytes: try bytes.multiplied(by: grid.parts), tasks: grid.parts &* rowBlocks, laneScratchBytes: lane
  ) { frame, task, packed in
    var conv = operands.description(description, frame)
    conv.weights = packed
    var part = grid.part(task / rowBlocks)
    let first = task % rowBlocks &* rows
    pk_conv_winograd_outputs(
      isa, &conv, &part, first, min(first &+ rows, outputs), (frame.scratch + task / rowBlocks &* bytes).assumingMemoryBound(to: Float.self),
      frame.laneScratch)
  }
}
