import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// A float32 convolution with so few output positions that they would leave most lanes of a vector empty: the positions of all images are rows,
/// and the output channels the columns, of a product with packed weights.
///
/// Frames of streaming audio and the last maps of small pictures are such. Weights are constant, nothing is added but a bias.
struct FewPositions: Sendable {
  /// More rows than this fill the lanes of the other way.
  private static let mostRows = 12
  private let isa = pk_isa_best()
  private let shape: ConvolutionShape
  private let operands: ConvolutionOperands
  private let positions: Int
  private let depth: Int
  /// Where each tap of each position reads in its plane; -1 in the padding.
  private let places: [Int32]
  private let weights: PackedWeightsStage
  private let groupBytes: Int

  /// - Returns: nil where it does not take the shape, or is not the faster way.
  init?(_ shape: ConvolutionShape, _ operands: ConvolutionOperands, _ context: KernelContext) throws(PinionError) {
    let window = shape.window
    guard context.value(operands.weights) != nil, operands.residual == nil, window.rank <= 3, shape.outputs >= 16 else { return nil }
    let rows = shape.images.multipliedReportingOverflow(by: window.outputCount)
    guard !rows.overflow, rows.partialValue <= FewPositions.mostRows, window.kernelCount <= 1024, window.inputCount <= Int(Int32.max) else { return nil }
    depth = try shape.channels.multiplied(by: window.kernelCount)
    guard depth >= 32 else { return nil }
    self.shape = shape
    self.operands = operands
    positions = window.outputCount
    places = FewPositions.places(shape.threeAxes)
    let isa = isa, depth = depth
    groupBytes = try alignedUp(try scratchSize(pk_sgemm_packed_b_bytes(isa, depth, shape.outputs)), to: Buffer.alignment)
    let stride = groupBytes / MemoryLayout<Float>.stride
    weights = try PackedWeightsStage(
      operands.weights, bytes: try groupBytes.multiplied(by: shape.groups), parts: shape.groups, form: "conv.columns.\(shape.groups)", context
    ) { source, target, groups in
      for group in groups {
        pk_sgemm_pack_b(
          isa, true, depth, shape.outputs, source + group &* shape.outputs &* depth, depth, 0, shape.outputs, target + group &* stride)
      }
    }
  }

  private static func places(_ c: pk_conv_shape) -> [Int32] {
    var places: [Int32] = []
    func place(_ output: Int, _ tap: Int, _ stride: Int, _ dilation: Int, _ pad: Int, _ extent: Int) -> Int? {
      let place = output &* stride &+ tap &* dilation &- pad
      return place >= 0 && place < extent ? place : nil
    }
    for depth in 0..<c.out.0 {
      for row in 0..<c.out.1 {
        for column in 0..<c.out.2 {
          for tapDepth in 0..<c.kernel.0 {
            let z = place(depth, tapDepth, c.stride.0, c.dilation.0, c.pad.0, c.in.0)
            for tapRow in 0..<c.kernel.1 {
              let y = place(row, tapRow, c.stride.1, c.dilation.1, c.pad.1, c.in.1)
              for tapColumn in 0..<c.kernel.2 {
                guard let z, let y, let x = place(column, tapColumn, c.stride.2, c.dilation.2, c.pad.2, c.in.2) else {
                  places.append(-1)
                  continue
                }
                places.append(Int32((z &* c.in.1 &+ y) &* c.in.2 &+ x))
              }
            }
          }
        }
      }
    }
    return places
  }

  private var product: pk_sgemm {
    var product = pk_sgemm()
    (product.m, product.n, product.k) = (shape.images &* positions, shape.outputs, depth)
    (product.lda, product.ldc) = (shape.groups &* depth, shape.outputs)
    product.alpha = 1
    // Tells the functions that only look at the form of the product that B is packed.
    product.packed_b = UnsafePointer(bitPattern: 64)
    product.epilogue = operands.activation.epilogue
    return product
  }

  func kernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard let constant = weights.constant else { throw .internal("weights that are not constant") }
    let form = product, rows = form.m, taps = shape.window.kernelCount, plane = shape.window.inputCount
    let row = try shape.groups.multiplied(by: depth)
    let channels = shape.groups &* shape.channels
    var blockRows = 0, blockColumns = 0
    withUnsafePointer(to: form) { pk_sgemm_grid(isa, $0, context.threads, &blockRows, &blockColumns) }
    let columns = max(blockColumns, 1), blocks = (shape.outputs &- 1) / columns &+ 1
    let width = min(columns, shape.outputs)
    let resultBytes = try alignedUp(try rows.multiplied(by: width).multiplied(by: 4), to: Buffer.alignment)
    let scratch = withUnsafePointer(to: form) { pk_sgemm_scratch_bytes(isa, $0, rows, width) }
    // Windows side by side, a few thousand elements a task.
    let step = min(max(1, 8192 / places.count), channels), parts = (channels &- 1) / step &+ 1
    let gather = Kernel.Stage(tasks: shape.images &* parts) { frame, task in
      let image = task / parts, first = task % parts &* step
      let windows = frame.scratch.assumingMemoryBound(to: Float.self) + (image &* positions &* row &+ first &* taps)
      places.withUnsafeBufferPointer { places in
        pk_conv_windows(
          places.baseAddress, positions, taps, min(step, channels &- first), plane,
          frame.input(operands.x) + (image &* channels &+ first) &* plane, windows, row)
      }
    }
    let multiply = Kernel.Stage(tasks: shape.groups &* blocks) { frame, task in
      let group = task / blocks, first = task % blocks &* columns, last = min(first &+ columns, shape.outputs)
      let result = frame.laneScratch.assumingMemoryBound(to: Float.self)
      var form = self.product
      form.a = UnsafePointer(frame.scratch.assumingMemoryBound(to: Float.self) + group &* depth)
      form.packed_b = UnsafePointer((constant.pointer + group &* groupBytes).assumingMemoryBound(to: Float.self))
      form.ldc = last &- first
      form.c = result.advanced(by: -first)
      if let bias = operands.bias { form.epilogue.col_bias = frame.input(bias) + group &* shape.outputs }
      pk_sgemm_block(isa, &form, 0, rows, first, last, frame.laneScratch + resultBytes)
      let output: UnsafeMutablePointer<Float> = frame.output(0)
      for image in 0..<shape.images {
        let target = output + ((image &* shape.groups &+ group) &* shape.outputs &+ first) &* positions
        for position in 0..<positions {
          let source = result + (image &* positions &+ position) &* (last &- first)
          for column in 0..<(last &- first) { target[column &* positions &+ position] = source[column] }
        }
      }
    }
    var kernel = Kernel(
      stages: [gather, multiply], scratchBytes: try rows.multiplied(by: row).multiplied(by: 4),
      laneScratchBytes: try resultBytes.adding(try scratchSize(scratch)))
    kernel.unreadInputs = [operands.weights]
    return kernel.named("product of few positions")
  }
}
