import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// Which scale belongs to which element of a tensor: one for all, one for each index of an axis, or one for each block
/// along an axis.
public struct QuantizationLayout: Sendable {
  private enum Kind { case tensor, axis, lastAxis, blocks, blocksOfLastAxis }

  private let kind: Kind
  private let count: Int
  private let extent: Int
  private let inner: Int
  private let block: Int
  private let blocks: Int
  /// Runs of elements with one scale, or with one scale each.
  public let rows: Int
  public let rowLength: Int
  /// Each element of a row has a scale of its own.
  public let isPerElement: Bool

  /// - Parameter blockSize: 0 for none.
  /// - Throws: `.invalidShape` where the scales do not fit the tensor.
  public init(_ shape: Shape, scales: Shape, axis: Int64, blockSize: Int) throws(PinionError) {
    count = shape.count
    if scales.count == 1, blockSize == 0 || scales.rank != shape.rank {
      (kind, extent, inner, block, blocks, isPerElement) = (.tensor, 1, 1, 1, 1, false)
      rowLength = elementwiseGrain
      rows = count == 0 ? 0 : (count &- 1) / elementwiseGrain &+ 1
      return
    }
    let axis = shape.rank == 1 ? 0 : try shape.normalized(axis: axis)
    guard axis < shape.rank else { throw .invalidShape("scales of shape \(scales) for a scalar") }
    extent = shape[axis]
    inner = shape.count((axis + 1)..<shape.rank)
    let outer = shape.count(0..<axis)
    if blockSize > 0, scales.rank == shape.rank {
      block = blockSize
      blocks = extent == 0 ? 0 : (extent &- 1) / blockSize &+ 1
      var expected = shape.dims
      expected[axis] = blocks
      guard scales.dims == expected else {
        throw .invalidShape("scales of shape \(scales) for blocks of \(blockSize) along axis \(axis) of \(shape), expected \(expected)")
      }
      isPerElement = inner != 1
      kind = inner == 1 ? .blocksOfLastAxis : .blocks
      rowLength = inner == 1 ? min(blockSize, max(extent, 1)) : inner
      rows = count == 0 ? 0 : inner == 1 ? outer &* blocks : outer &* extent
    } else {
      guard scales.rank == 1, scales[0] == extent else {
        throw .invalidShape("scales of shape \(scales) for axis \(axis) of \(shape)")
      }
      (block, blocks) = (1, extent)
      isPerElement = inner == 1
      kind = inner == 1 ? .lastAxis : .axis
      rowLength = inner == 1 ? extent : inner
      rows = count == 0 ? 0 : inner == 1 ? outer : outer &* extent
    }
  }

  /// A row's first element, its length, and the index of its first scale.
  @inline(__always)
  public func row(_ row: Int) -> (start: Int, count: Int, scale: Int) {
    switch kind {
    case .tensor: (row &* rowLength, min(rowLength, count &- row &* rowLength), 0)
    case .axis: (row &* inner, inner, row % extent)
    case .lastAxis: (row &* extent, extent, 0)
    case .blocks: (row &* inner, inner, (row / extent &* blocks &+ row % extent / block) &* inner)
    case .blocksOfLastAxis:
      (row / blocks &* extent &+ row % blocks &* block, min(block, extent &- row % blocks &* block), row)
    }
  }

  /// A stage that calls `body` for every row.
  func stage(_ body: @escaping @Sendable (KernelFrame, _ start: Int, _ count: Int, _ scale: Int) -> Void) -> Kernel.Stage {
    .ranges(rows, grain: max(1, elementwiseGrain / max(rowLength, 1))) { frame, range in
      for index in range {
        let (start, count, scale) = row(index)
        body(frame, start, count, scale)
      }
    }
  }
}

extension ElementType {
  /// The least and greatest code of an integer type for quantised numbers.
  public var codeRange: ClosedRange<Int32>? {
    switch self {
    case .uint8: 0...255
    case .int8: -128...127
    case .uint16: 0...65_535
    case .int16: -32_768...32_767
    case .uint4: 0...15
    case .int4: -8...7
    case .uint2: 0...3
    case .int2: -2...1
    default: nil
    }
  }

  /// The kernels' type with the memory layout of the codes.
  public var codeKernelType: pk_type? {
    switch self {
    case .uint8, .uint4, .uint2: PK_U8
    case .int8, .int4, .int2: PK_I8
    case .uint16: PK_U16
    case .int16: PK_I16
    case .int32: PK_I32
    default: nil
    }
  }
}

/// Elements that are converted at a time on the stack.
private let strip = 128

/// The kernel of `y = saturate(x / scale + zero)` from inputs 0 (x), 1 (scale) and, if there, 2 (zero) to output 0.
/// - Parameters:
///   - precision: the type the quotient is rounded to.
///   - saturate: for narrow floats.
public func quantizeKernel(
  _ layout: QuantizationLayout, precision: ElementType, saturate: Bool, _ context: KernelContext
) throws(PinionError) -> Kernel {
  let isa = pk_isa_best()
  let source = try context.type(0).element, target = try context.outputType(0).element
  var preparation = Preparation(context)
  let scales = try preparation.convert(1, to: .float32)
  let isPerElement = layout.isPerElement

  if let range = target.codeRange, let code = target.codeKernelType {
    let zeros = try preparation.convertIfPresent(2, to: .int32)
    let width = target.byteWidth
    if source == .float32, precision == .float32 {
      return preparation.kernel([
        layout.stage { frame, start, count, scale in
          var q = pk_quantization()
          q.scale = scales.pointer(frame) + scale
          q.zero = zeros.map { $0.pointer(frame) + scale }
          q.per_element = isPerElement
          (q.low, q.high) = (range.lowerBound, range.upperBound)
          _ = pk_quantize_f32(isa, code, &q, frame.input(0) + start, frame.rawOutput(0) + start &* width, count)
        }
      ])
    }
    let quotients = try Quotients(source, precision, isPerElement)
    return preparation.kernel([
      layout.stage { frame, start, count, scale in
        quotients.strips(frame, start, count, scales.pointer(frame) + scale) { values, at, length in
          var one: Float = 1
          withUnsafePointer(to: &one) { one in
            var q = pk_quantization()
            q.scale = one
            (q.low, q.high) = (range.lowerBound, range.upperBound)
            let output = frame.rawOutput(0) + (start &+ at) &* width
            guard let zeros, isPerElement else {
              q.zero = zeros.map { $0.pointer(frame) + scale }
              _ = pk_quantize_f32(isa, code, &q, values, output, length)
              return
            }
            for index in 0..<length {
              q.zero = zeros.pointer(frame) + (scale &+ at &+ index)
              _ = pk_quantize_f32(isa, code, &q, values + index, output + index &* width, 1)
            }
          }
        }
      }
    ])
  }

  guard let format = NarrowFloat(target) else { throw context.unsupportedTypes() }
  let zeros = try preparation.convertIfPresent(2, to: .float32)
  let quotients = try Quotients(source, precision, isPerElement)
  return preparation.kernel([
    layout.stage { frame, start, count, scale in
      quotients.strips(frame, start, count, scales.pointer(frame) + scale) { values, at, length in
        let zero: UnsafePointer<Float>? = zeros.map { $0.pointer(frame) + scale }
        let output = frame.output(0, as: UInt8.self) + (start &+ at)
        for index in 0..<length {
          let shift = zero.map { isPerElement ? $0[at &+ index] : $0[0] } ?? 0
          output[index] = format.encode(Double(values[index] + shift), saturate: saturate)
        }
      }
    }
  ])
}

/// The quotients x / scale of a row, rounded to a type.
private struct Quotients: Sendable {
  let conversion: ElementConversion
  let width: Int
  let precision: ElementType
  let isPerElement: Bool

  init(_ source: ElementType, _ precision: ElementType, _ isPerElement: Bool) throws(PinionError) {
    conversion = try ElementConversion(from: source, to: .float32)
    width = source.byteWidth
    self.precision = precision
    self.isPerElement = isPerElement
  }

  @inline(__always)
  private func rounded(_ value: Float) -> Float {
    switch precision {
    case .float16: Float(Float16(value))
    case .bfloat16: Float(BFloat16(value))
    default: value
    }
  }

  func strips(
    _ frame: KernelFrame, _ start: Int, _ count: Int, _ scales: UnsafePointer<Float>,
    _ body: (UnsafePointer<Float>, _ at: Int, _ length: Int) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: strip) { memory in
      guard let values = memory.baseAddress else { return }
      var at = 0
      while at < count {
        let length = min(strip, count &- at)
        conversion(frame.rawInput(0) + (start &+ at) &* width, values, length)
        for index in 0..<length {
          values[index] = rounded(rounded(values[index]) / rounded(scales[isPerElement ? at &+ index : 0]))
        }
        body(values, at, length)
        at &+= length
      }
    }
  }
}

/// The kernel of `y = (x - zero) * scale` from inputs 0 (x), 1 (scale) and, if there, 2 (zero) to output 0.
public func dequantizeKernel(_ layout: QuantizationLayout, _ context: KernelContext) throws(PinionError) -> Kernel {
  let isa = pk_isa_best()
  let source = try context.type(0).element, target = try context.outputType(0).element
  var preparation = Preparation(context)
  let scales = try preparation.convert(1, to: .float32)
  let isPerElement = layout.isPerElement
  let sourceWidth = source.byteWidth, targetWidth = target.byteWidth

  if let code = source.codeKernelType {
    let zeros = try preparation.convertIfPresent(2, to: .int32)
    @Sendable func quantization(_ frame: KernelFrame, _ scale: Int) -> pk_quantization {
      var q = pk_quantization()
      q.scale = scales.pointer(frame) + scale
      q.zero = zeros.map { $0.pointer(frame) + scale }
      q.per_element = isPerElement
      return q
    }
    if target == .float32 {
      return preparation.kernel([
        layout.stage { frame, start, count, scale in
          var q = quantization(frame, scale)
          _ = pk_dequantize_f32(isa, code, &q, frame.rawInput(0) + start &* sourceWidth, frame.output(0) + start, count)
        }
      ])
    }
    let conversion = try ElementConversion(from: .float32, to: target)
    return preparation.kernel([
      layout.stage { frame, start, count, scale in
        withStrips(count) { values, at, length in
          var q = quantization(frame, isPerElement ? scale &+ at : scale)
          _ = pk_dequantize_f32(isa, code, &q, frame.rawInput(0) + (start &+ at) &* sourceWidth, values, length)
          conversion(values, frame.rawOutput(0) + (start &+ at) &* targetWidth, length)
        }
      }
    ])
  }

  guard NarrowFloat(source) != nil else { throw context.unsupportedTypes() }
  let zeros = try preparation.convertIfPresent(2, to: .float32)
  let decoding = try ElementConversion(from: source, to: .float32), encoding = try ElementConversion(from: .float32, to: target)
  return preparation.kernel([
    layout.stage { frame, start, count, first in
      let scale = scales.pointer(frame, as: Float.self) + first, zero = zeros.map { $0.pointer(frame, as: Float.self) + first }
      withStrips(count) { values, at, length in
        decoding(frame.rawInput(0) + (start &+ at) &* sourceWidth, values, length)
        for index in 0..<length {
          let position = isPerElement ? at &+ index : 0
          values[index] = (values[index] - (zero.map { $0[position] } ?? 0)) * scale[position]
        }
        encoding(values, frame.rawOutput(0) + (start &+ at) &* targetWidth, length)
      }
    }
  ])
}

private func withStrips(_ count: Int, _ body: (UnsafeMutablePointer<Float>, _ at: Int, _ length: Int) -> Void) {
  withUnsafeTemporaryAllocation(of: Float.self, capacity: strip) { memory in
    guard let values = memory.baseAddress else { return }
    var at = 0
    while at < count {
      let length = min(strip, count &- at)
      body(values, at, length)
      at &+= length
    }
  }
}
