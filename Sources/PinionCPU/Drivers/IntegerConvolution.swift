import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// A convolution of uint8 or int8 with sums of 32 bits: sum of (x - xZero)(w - wZero), over at most three axes.
public struct IntegerConvolution: Sendable {
  let shape: ConvolutionShape
  let x: Int
  let weights: Int
  let xIsSigned: Bool
  let wIsSigned: Bool
  /// One element, int32; nil means 0.
  let xZero: Preparation.Place?
  /// One element or one for each output channel, int32.
  let wZero: Preparation.Place?
  let wZeroIsVector: Bool

  /// - Parameters:
  ///   - x, weights: numbers of the inputs.
  ///   - xZero, wZero: numbers of the inputs with the zero points, which may be absent.
  public init(
    _ shape: ConvolutionShape, x: Int, weights: Int, xZero: Int, wZero: Int, _ preparation: inout Preparation, _ context: KernelContext
  ) throws(PinionError) {
    guard shape.window.rank <= 3 else {
      throw .unsupported("an integer convolution over \(shape.window.rank) axes; at most 3 are supported")
    }
    self.shape = shape
    self.x = x
    self.weights = weights
    xIsSigned = try IntegerConvolution.isSigned(x, context)
    wIsSigned = try IntegerConvolution.isSigned(weights, context)
    self.xZero = try preparation.convertIfPresent(xZero, to: .int32)
    self.wZero = try preparation.convertIfPresent(wZero, to: .int32)
    wZeroIsVector = (context.optionalType(wZero)?.count ?? 1) != 1
  }

  static func isSigned(_ input: Int, _ context: KernelContext) throws(PinionError) -> Bool {
    switch try context.type(input).element {
    case .int8: true
    case .uint8: false
    default: throw context.unsupportedTypes()
    }
  }

  /// Takes over the sums of one output channel (counted over all groups) of one image at some positions.
  public typealias Finish = @Sendable (
    _ frame: KernelFrame, _ image: Int, _ channel: Int, _ positions: Range<Int>, _ sums: UnsafePointer<Int32>
  ) -> Void

  /// The stage that computes the convolution, and the scratch memory of its lanes.
  public func stage(_ context: KernelContext, _ finish: @escaping Finish) throws(PinionError) -> (stage: Kernel.Stage, laneScratchBytes: Int) {
    guard !shape.isEmpty else { return (Kernel.Stage(tasks: 0) { _, _ in }, 0) }
    return shape.channels == 1 && shape.window.rank <= 2 ? try depthwise(context, finish) : try byProducts(context, finish)
  }

  private func depthwise(_ context: KernelContext, _ finish: @escaping Finish) throws(PinionError) -> (stage: Kernel.Stage, laneScratchBytes: Int) {
    let isa = pk_isa_best()
    let window = shape.window
    var plane = pk_depthwise_int8()
    func pair(_ values: [Int], _ missing: Int) -> (Int, Int) {
      let (_, height, width) = triple(values, missing)
      return (height, width)
    }
    plane.in = pair(window.input, 1)
    plane.kernel = pair(window.kernel, 1)
    plane.stride = pair(window.stride, 1)
    plane.dilation = pair(window.dilation, 1)
    plane.pad = pair(window.padBefore, 0)
    plane.out = pair(window.output, 1)
    plane.x_signed = xIsSigned
    plane.w_signed = wIsSigned
    let description = plane
    let positions = window.outputCount, inputs = window.inputCount, taps = window.kernelCount
    let outputs = shape.groups &* shape.outputs, perGroup = shape.outputs, groups = shape.groups
    let grain = max(1, min((1 << 19) / max(positions &* taps, 1), shape.images &* outputs / (context.threads &* 3)))
    let stage = Kernel.Stage.ranges(shape.images &* outputs, grain: grain) { frame, range in
      let sums = frame.laneScratch.assumingMemoryBound(to: Int32.self)
      for index in range {
        let image = index / outputs, channel = index % outputs
        var plane = description
        plane.x_zero = zero(xZero, frame, 0)
        plane.w_zero = zero(wZero, frame, wZeroIsVector ? channel : 0)
        let source = frame.rawInput(x) + (image &* groups &+ channel / perGroup) &* inputs
        pk_depthwise_int8_plane(isa, &plane, source, frame.rawInput(weights) + channel &* taps, sums)
        finish(frame, image, channel, 0..<positions, UnsafePointer(sums))
      }
    }
    return (stage, try positions.multiplied(by: 4))
  }

  @inline(__always)
  private func zero(_ place: Preparation.Place?, _ frame: KernelFrame, _ index: Int) -> Int32 {
    place.map { $0.pointer(frame, as: Int32.self)[index] } ?? 0
  }

  private func byProducts(_ context: KernelContext, _ finish: @escaping Finish) throws(PinionError) -> (stage: Kernel.Stage, laneScratchBytes: Int) {
    let isa = pk_isa_best()
    let window = shape.window
    let m = shape.outputs, k = shape.channels &* window.kernelCount, positions = window.outputCount
    // A window of one element takes its columns from the input as they lie.
    let isPointwise = window.kernelCount == 1 && window.stride.allSatisfy { $0 == 1 } && window.output == window.input
    let panel = pk_igemm_panel_cols(isa)
    let fitting = max(1, min(512, (1 << 18) / max(k, 1), (1 << 16) / m) / panel) &* panel
    let width = min(fitting, positions)
    let columnBlocks = (positions &- 1) / width &+ 1
    let products = shape.images &* shape.groups
    let panelRows = pk_igemm_panel_rows(isa, m)
    let wantedRowBlocks = max(1, (context.threads &* 2 &+ products &* columnBlocks &- 1) / (products &* columnBlocks))
    let rows = min(m, max(((m &- 1) / wantedRowBlocks &+ 1 &+ panelRows &- 1) / panelRows &* panelRows, 16 / panelRows &* panelRows))
    let rowBlocks = (m &- 1) / max(rows, 1) &+ 1

    let packedBytes = try scratchSize(pk_igemm_packed_a_bytes(isa, m, k))
    var packed: Buffer?
    if let constant = context.value(weights) {
      packed = try context.packed(
        constant, form: "igemm.a.\(shape.groups)", bytes: try packedBytes.multiplied(by: shape.groups)
      ) { target in
        for group in 0..<shape.groups {
          pk_igemm_pack_a(isa, false, wIsSigned, m, k, constant.data + group &* m &* k, k, target + group &* packedBytes)
        }
      }
    }
    var g = pk_igemm()
    (g.m, g.n, g.k) = (m, width, k)
    (g.lda, g.ldb, g.ldc) = (k, isPointwise ? positions : width, width)
    (g.a_signed, g.b_signed) = (wIsSigned, xIsSigned)
    g.a_zero_per_row = wZeroIsVector
    g.packed_a = packed.map { UnsafeRawPointer($0.pointer) }
    let own = try alignedUp(scratchSize(pk_igemm_scratch_bytes(isa, &g, rows, width)), to: Buffer.alignment)
    let patchBytes = isPointwise ? 0 : try alignedUp(k.multiplied(by: width), to: Buffer.alignment)
    let sumBytes = try rows.multiplied(by: width).multiplied(by: 4)
    let template = Template(g: g, window)
    let (groups, channels, inputs) = (shape.groups, shape.channels, window.inputCount)
    let keptPacked = packed

    let stage = Kernel.Stage(tasks: products &* rowBlocks &* columnBlocks) { frame, task in
      let product = task / (rowBlocks &* columnBlocks), block = task % (rowBlocks &* columnBlocks)
      let image = product / groups, group = product % groups
      let row = block % rowBlocks &* rows, lastRow = min(row &+ rows, m)
      let first = block / rowBlocks &* width, last = min(first &+ width, positions)
      let source = frame.rawInput(x) + product &* channels &* inputs
      var g = template.g
      g.n = last &- first
      g.ldc = g.n
      if isPointwise {
        g.b = source + first
      } else {
        let patches = (frame.laneScratch + own).assumingMemoryBound(to: UInt8.self)
        g.b = UnsafeRawPointer(patches)
        g.ldb = g.n
        let padding = UInt8(truncatingIfNeeded: zero(xZero, frame, 0))
        template.patches(source, padding, k, first, last, patches)
      }
      if let keptPacked {
        g.packed_a = UnsafeRawPointer(keptPacked.pointer + group &* packedBytes)
      } else {
        g.a = frame.rawInput(weights) + group &* m &* k
      }
      g.a_zero = wZero.map { $0.pointer(frame) + (wZeroIsVector ? group &* m : 0) }
      g.b_zero = xZero?.pointer(frame)
      let sums = (frame.laneScratch + (own &+ patchBytes)).assumingMemoryBound(to: Int32.self)
      g.c = sums - row &* g.n
      pk_igemm_block(isa, &g, row, lastRow, 0, g.n, frame.laneScratch)
      for line in row..<lastRow {
        finish(frame, image, group &* m &+ line, first..<last, UnsafePointer(sums + (line &- row) &* g.n))
      }
    }
    return (stage, try own.adding(patchBytes).adding(sumBytes))
  }

  /// The fields that stay the same for all blocks; its only pointer is one to packed memory that lives as long as the model.
  private struct Template: @unchecked Sendable {
    let g: pk_igemm
    /// Input, kernel, stride, dilation, pad and output, three numbers each.
    let axes: [Int]

    init(g: pk_igemm, _ window: Window) {
      self.g = g
      let lists = [(window.input, 1), (window.kernel, 1), (window.stride, 1), (window.dilation, 1), (window.padBefore, 0), (window.output, 1)]
      axes = lists.flatMap { values, missing in
        let (depth, height, width) = triple(values, missing)
        return [depth, height, width]
      }
    }

    @inline(__always)
    func patches(_ x: UnsafeRawPointer, _ zero: UInt8, _ k: Int, _ first: Int, _ last: Int, _ target: UnsafeMutablePointer<UInt8>) {
      axes.withUnsafeBufferPointer { axes in
        guard let start = axes.baseAddress else { return }
        pk_im2col_8(
          start, start + 3, start + 6, start + 9, start + 12, start + 15, x.assumingMemoryBound(to: UInt8.self), zero, 0, k, first, last,
          target, last &- first)
      }
    }
  }
}
