import CKernels
import PinionBackend
import PinionBase

/// How the outputs of a convolution are dealt out: blocks of channels and positions for each image and group, channels fastest.
struct ConvolutionBlocks: Sendable {
  struct Place {
    let image, group: Int
    /// Output channels of the group, and positions.
    let rows, columns: Range<Int>
  }

  let rows, columns: Int
  let tasks: Int
  private let groups, outputs, positions: Int
  private let rowBlocks, blocks: Int

  /// - Parameter positions: that are counted, where these are not those of the output.
  init(_ shape: ConvolutionShape, rows: Int, columns: Int, positions: Int? = nil) {
    self.rows = max(rows, 1)
    self.columns = max(columns, 1)
    groups = shape.groups
    outputs = shape.outputs
    self.positions = positions ?? shape.window.outputCount
    rowBlocks = (outputs &- 1) / self.rows &+ 1
    blocks = rowBlocks &* ((self.positions &- 1) / self.columns &+ 1)
    tasks = shape.images &* groups &* blocks
  }

  subscript(task: Int) -> Place {
    @inline(__always) get {
      let product = task / blocks, part = task % blocks
      let row = part % rowBlocks &* rows, column = part / rowBlocks &* columns
      return Place(
        image: product / groups, group: product % groups, rows: row..<min(row &+ rows, outputs), columns: column..<min(column &+ columns, positions))
    }
  }
}

/// What the windows of a convolution hold, made once, at the start of the kernel's scratch, for the blocks of all its output channels.
struct SharedPatches: Sendable {
  /// Elements that are copied in a task, about: some tens of microseconds.
  private static let task = 1 << 15

  let stage: Kernel.Stage
  /// Of all images and groups.
  let bytes: Int
  private let floats: Int
  private let groups: Int

  /// - Returns: nil where each block makes its own, or needs none.
  init?(
    _ shape: ConvolutionShape, _ c: pk_conv_shape, _ operands: ConvolutionOperands, isTurned: Bool, _ context: KernelContext
  ) throws(PinionError) {
    let isa = pk_isa_best()
    var c = c
    guard pk_conv_patches_pay(isa, &c, isTurned, context.threads) else { return nil }
    let one = try scratchSize(pk_conv_patch_bytes(isa, &c, isTurned)), groups = shape.groups
    bytes = try one.multiplied(by: shape.images &* groups)
    let floats = one / MemoryLayout<Float>.stride
    self.floats = floats
    self.groups = groups
    let channels = shape.channels, step = max(1, channels &* SharedPatches.task / max(floats, 1)), parts = (channels &- 1) / step &+ 1
    let description = c
    stage = Kernel.Stage(tasks: shape.images &* groups &* parts) { frame, task in
      var conv = operands.description(description, frame)
      let product = task / parts, first = task % parts &* step
      pk_conv_patches(
        isa, &conv, isTurned, product / groups, product % groups, first, min(first &+ step, channels),
        frame.scratch.assumingMemoryBound(to: Float.self) + product &* floats)
    }
  }

  @inline(__always)
  func pointer(_ place: ConvolutionBlocks.Place, _ frame: KernelFrame) -> UnsafePointer<Float> {
    UnsafePointer(frame.scratch.assumingMemoryBound(to: Float.self) + (place.image &* groups &+ place.group) &* floats)
  }
}
