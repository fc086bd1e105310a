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
  /// - Parameter source: where x lies if it is not an input.
  public func stage(
    _ context: KernelContext, x source: IntegerProduct.Source? = nil, _ finish: @escaping Finish
  ) throws(PinionError) -> (stage: Kernel.Stage, laneScratchBytes: Int) {
    guard !shape.isEmpty else { return (Kernel.Stage(tasks: 0) { _, _ in }, 0) }
    // 256 products of two numbers below 2^8 make a sum below 2^24.
    var description = shape.threeAxes
    let taps = shape.window.kernelCount, isExact = taps <= 256 && taps <= longestDepthwiseRow / max(description.out.2, 1)
    return isExact && pk_conv_depthwise_fits(&description) ? try depthwise(context, source, finish) : try byProducts(context, source, finish)
  }

  /// One channel at a time in float32, whose sums are exact as long as they stay below 2^24.
  private func depthwise(
    _ context: KernelContext, _ source: IntegerProduct.Source?, _ finish: @escaping Finish
  ) throws(PinionError) -> (stage: Kernel.Stage, laneScratchBytes: Int) {
    let isa = pk_isa_best()
    let window = shape.window
    let plane = ConvolutionShape(images: 1, groups: 1, channels: 1, outputs: 1, window: window)
    var description = plane.threeAxes
    let own = try alignedUp(scratchSize(pk_conv_depthwise_scratch_bytes(isa, &description)), to: Buffer.alignment)
    let positions = window.outputCount, inputs = window.inputCount, taps = window.kernelCount
    let inputBytes = try alignedUp(inputs.multiplied(by: 4), to: Buffer.alignment)
    let weightBytes = try alignedUp(taps.multiplied(by: 4), to: Buffer.alignment)
    let sumBytes = try alignedUp(positions.multiplied(by: 4), to: Buffer.alignment)
    let lane = try own.adding(inputBytes).adding(weightBytes).adding(sumBytes).adding(sumBytes)
    let whole = try conversion(from: .float32, to: .int32)
    let outputs = shape.groups &* shape.outputs, perGroup = shape.outputs, groups = shape.groups
    let xCode = xIsSigned ? PK_I8 : PK_U8, wCode = wIsSigned ? PK_I8 : PK_U8
    let grain = max(1, min((1 << 19) / max(positions &* taps, 1), shape.images &* outputs / (context.threads &* 3)))
    let constant = description
    let width = max(constant.out.2, 1), height = positions / width, rows = max(1, depthwiseTask / 4 / max(width &* (taps &+ 4), 1))
    let stage = Kernel.Stage.ranges(shape.images &* outputs, grain: grain) { (frame, range) throws(PinionError) in
      let numbers = (frame.laneScratch + own).assumingMemoryBound(to: Float.self)
      let factors = (frame.laneScratch + (own &+ inputBytes)).assumingMemoryBound(to: Float.self)
      let results = (frame.laneScratch + (own &+ inputBytes &+ weightBytes)).assumingMemoryBound(to: Float.self)
      let sums = (frame.laneScratch + (own &+ inputBytes &+ weightBytes &+ sumBytes)).assumingMemoryBound(to: Int32.self)
      var one: Float = 1
      try withUnsafePointer(to: &one) { (one) throws(PinionError) in
        for index in range {
          let image = index / outputs, channel = index % outputs
          var q = pk_quantization()
          q.scale = one
          q.zero = xZero?.pointer(frame)
          let plane = (source?(frame) ?? frame.rawInput(x)) + (image &* groups &+ channel / perGroup) &* inputs
          try inPieces(of: depthwiseTask / 16, inputs, frame.control) {
            _ = pk_dequantize_f32(isa, xCode, &q, plane + $0.lowerBound, numbers + $0.lowerBound, $0.count)
          }
          q.zero = wZero.map { $0.pointer(frame) + (wZeroIsVector ? channel : 0) }
          _ = pk_dequantize_f32(isa, wCode, &q, frame.rawInput(weights) + channel &* taps, factors, taps)
          var conv = pk_conv()
          conv.shape = constant
          conv.x = UnsafePointer(numbers)
          conv.weights = UnsafePointer(factors)
          conv.y = results
          try inPieces(of: rows, height, frame.control) { rows in
            pk_conv_depthwise(isa, &conv, 0, 1, rows.lowerBound, rows.upperBound, frame.laneScratch)
            let part = rows.lowerBound &* width..<rows.upperBound &* width
            whole(results + part.lowerBound, sums + part.lowerBound, part.count)
            finish(frame, image, channel, part, UnsafePointer(sums + part.lowerBound))
          }
        }
      }
    }
    return (stage, lane)
  }

  @inline(__always)
  private func zero(_ place: Preparation.Place?, _ frame: KernelFrame, _ index: Int) -> Int32 {
    place.map { $0.pointer(frame, as: Int32.self)[index] } ?? 0
  }

  private func byProducts(
    _ context: KernelContext, _ operand: IntegerProduct.Source?, _ finish: @escaping Finish
  ) throws(PinionError) -> (stage: Kernel.Stage, laneScratchBytes: Int) {
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
      ) { (elements, target, work) throws(PinionError) in
        try work.inPieces(of: (1 << 20) / max(m &* k, 1), shape.groups) { groups in
          for group in groups { pk_igemm_pack_a(isa, false, wIsSigned, m, k, elements + group &* m &* k, k, target + group &* packedBytes) }
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

    let stage = Kernel.Stage(tasks: products &* rowBlocks &* columnBlocks) { (frame, task) throws(PinionError) in
      let product = task / (rowBlocks &* columnBlocks), block = task % (rowBlocks &* columnBlocks)
      let image = product / groups, group = product % groups
      let row = block % rowBlocks &* rows, lastRow = min(row &+ rows, m)
      let first = block / rowBlocks &* width, last = min(first &+ width, positions)
      let source = (operand?(frame) ?? frame.rawInput(x)) + product &* channels &* inputs
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
        try inPieces(of: (1 << 21) / g.n, k, frame.control) {
          template.patches(source, padding, $0, first, last, patches + $0.lowerBound &* (last &- first))
        }
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
      let lists = [
        (window.input, 1), (window.kernel, 1), (window.stride, 1), (window.dilation, 1), (window.padBefore, 0), (window.output, 1),
      ]
      axes = lists.flatMap { values, missing in
        let (depth, height, width) = triple(values, missing)
        return [depth, height, width]
      }
    }

    @inline(__always)
    func patches(_ x: UnsafeRawPointer, _ zero: UInt8, _ rows: Range<Int>, _ first: Int, _ last: Int, _ target: UnsafeMutablePointer<UInt8>) {
      axes.withUnsafeBufferPointer { axes in
        guard let start = axes.baseAddress else { return }
        pk_im2col_8(
          start, start + 3, start + 6, start + 9, start + 12, start + 15, x.assumingMemoryBound(to: UInt8.self), zero, rows.lowerBound, rows.upperBound, first, last,
          target, last &- first)
      }
    }
  }
}
