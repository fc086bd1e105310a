import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Slices of quantised data along an axis, one for each index, as numbers: (data - zero_point) * scale, with a scale and a
/// zero point for each block along another axis. An index outside the data gives zeros.
package struct GatherBlockQuantized: CPUExecutable {
  package static let schema = Schema(
    "GatherBlockQuantized", domain: "com.microsoft", since: 1, inputs: ["data: T1", "indices: indices", "scales: T2", "zero_points?: T1"],
    outputs: ["output: T2"], types: ["T1": [.float8s, .int4, .uint4, .uint8, .float4e2m1], "T2": [.float32, .float16, .bfloat16]])
  package static var computesHalfInFloat32: Bool { true }
  let gatherAxis: Int64
  let quantizeAxis: Int64
  let blockSize: Int
  let bits: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    gatherAxis = try attributes.int("gather_axis", default: 0)
    quantizeAxis = try attributes.int("quantize_axis", default: 1)
    blockSize = try attributes.int("block_size", default: 128, in: 0...(1 << 40))
    guard blockSize == 0 || (blockSize >= 16 && blockSize & (blockSize - 1) == 0) else {
      throw .invalidModel("attribute 'block_size' is \(blockSize), expected 0 or a power of two from 16 on")
    }
    bits = try attributes.int("bits", default: 4, in: 2...8)
    guard bits == 2 || bits == 4 || bits == 8 else { throw .invalidModel("attribute 'bits' is \(bits), expected 2, 4 or 8") }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let layout = try BlockLayout(self, context)
    let indices = try context.type(1), scales = try context.type(2)
    let dims = layout.dims[..<layout.gatherAxis] + indices.dims + layout.dims[(layout.gatherAxis &+ 1)...]
    return [TensorType(scales.element, try Shape(Array(dims)))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0], element = context[2].element
    guard let dims = data.dims, let indices = context[1].dims, let axis = data.position(gatherAxis),
      let packed = data.position(quantizeAxis), let codes = data.element
    else { return [Fact(element: element)] }
    var rest = dims
    if codes == .uint8 { rest[packed] = context.symbols.product(of: [dims[packed], 8 / bits]) }
    return [Fact(element, rest[..<axis] + indices + rest[(axis + 1)...])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.outputType(0).element == .float32 else { throw context.unsupportedTypes() }
    let layout = try BlockLayout(self, context.inference)
    let decoder = try BlockDecoder(layout, try context.type(0).element, hasZeros: context.has(3))
    let isWide = try context.type(1).element == .int64
    let extent = layout.dims[layout.gatherAxis], count = try context.type(1).count
    let run = layout.dims[(layout.gatherAxis &+ 1)...].reduce(1, &*), outer = layout.dims[..<layout.gatherAxis].reduce(1, &*)
    guard run > 0 else { return Kernel(stages: []) }
    return .ranges(outer &* count, grain: max(1, (1 << 14) / run), laneScratchBytes: decoder.laneScratchBytes) { frame, range in
      for slice in range {
        let place = slice % count
        let index = isWide ? Int(frame.input(1, as: Int64.self)[place]) : Int(frame.input(1, as: Int32.self)[place])
        let position = index < 0 ? index &+ extent : index
        let target = frame.output(0, as: Float.self) + slice &* run
        if position < 0 || position >= extent {
          target.update(repeating: 0, count: run)
        } else {
          decoder.decode(frame, (slice / count &* extent &+ position) &* run, run, target)
        }
      }
    }
  }
}

/// Where the elements, scales and zero points of block-quantised data lie.
private struct BlockLayout {
  /// Extents of the data as numbers, not as packed bytes.
  let dims: [Int]
  let gatherAxis: Int
  let quantizeAxis: Int
  let block: Int
  /// Bits of a code in uint8 data.
  let bits: Int
  /// Codes in a byte of the data.
  let codesPerByte: Int
  /// From one index of an axis (of a block, for the quantised one) to the next; 0 where all share a scale.
  let scaleStrides: [Int]
  /// Blocks along the quantised axis.
  let blocks: Int

  init(_ op: GatherBlockQuantized, _ context: InferenceContext) throws(PinionError) {
    let data = try context.type(0, rankAtLeast: 1), scales = try context.type(2)
    let gatherAxis = try data.shape.normalized(axis: op.gatherAxis), quantizeAxis = try data.shape.normalized(axis: op.quantizeAxis)
    var isFloat = false, codesPerByte = 1
    switch data.element {
    case .uint8:
      guard gatherAxis == 0, quantizeAxis == data.rank &- 1, gatherAxis != quantizeAxis else {
        throw .invalidModel("uint8 data with gather_axis \(gatherAxis) and quantize_axis \(quantizeAxis), expected 0 and the last of several")
      }
      codesPerByte = 8 / op.bits
    case .int4, .uint4:
      guard op.bits == 4 else { throw .invalidModel("attribute 'bits' is \(op.bits) for \(data.element) data, expected 4") }
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float4e2m1: isFloat = true
    default: throw .unsupported("input 'data' is \(data); uint8, int4, uint4, float8 and float4 types are supported")
    }
    var dims = data.dims
    dims[quantizeAxis] = try dims[quantizeAxis].multiplied(by: codesPerByte)
    guard op.blockSize > 0 || isFloat else { throw .invalidModel("attribute 'block_size' is 0 for \(data.element) data") }
    let block = op.blockSize == 0 ? max(dims[quantizeAxis], 1) : op.blockSize
    let blocks = dims[quantizeAxis] == 0 ? 0 : (dims[quantizeAxis] &- 1) / block &+ 1
    var expected = dims
    expected[quantizeAxis] = blocks
    // Scales of floating-point data may be shared along the other axes.
    let isFitting =
      scales.rank == data.rank
      && expected.indices.allSatisfy {
        scales.dims[$0] == expected[$0] || (isFloat && $0 != quantizeAxis && scales.dims[$0] == 1)
      }
    guard isFitting else { throw .invalidShape("input 'scales' is \(scales), expected shape \(try Shape(expected)) for data \(data)") }
    if let zeros = context.optionalType(3) {
      guard !isFloat else { throw .invalidShape("input 'zero_points' is \(zeros), expected none for \(data.element) data") }
      expected[quantizeAxis] = (blocks &+ codesPerByte &- 1) / codesPerByte
      try context.check(3, dims: expected)
    }
    let strides = scales.shape.strides
    scaleStrides = dims.indices.map { scales.dims[$0] == 1 && $0 != quantizeAxis ? 0 : strides[$0] }
    (self.dims, self.gatherAxis, self.quantizeAxis, self.block, self.blocks) = (dims, gatherAxis, quantizeAxis, block, blocks)
    (bits, self.codesPerByte) = (op.bits, codesPerByte)
  }
}

/// Turns runs of block-quantised data into numbers, piece by piece: a piece lies in one row and, where rows are quantised, in
/// one block.
private struct BlockDecoder: Sendable {
  private enum Codes: Sendable { case bytes(pk_type), packed(bits: Int), floats(ElementConversion) }

  private let codes: Codes
  private let dims: [Int]
  private let scaleStrides: [Int]
  private let quantizeAxis: Int
  private let block: Int
  private let blocks: Int
  private let hasZeros: Bool
  /// The zero point where none is given.
  private let middle: Int32
  private let isRowwise: Bool
  private let isSigned: Bool
  private let isa = pk_isa_best()
  let laneScratchBytes: Int

  init(_ layout: BlockLayout, _ element: ElementType, hasZeros: Bool) throws(PinionError) {
    dims = layout.dims
    scaleStrides = layout.scaleStrides
    quantizeAxis = layout.quantizeAxis
    block = layout.block
    blocks = layout.blocks
    self.hasZeros = hasZeros
    isRowwise = layout.quantizeAxis == layout.dims.count &- 1
    isSigned = element == .int4
    middle = element == .uint8 ? 1 &<< Int32(truncatingIfNeeded: layout.bits &- 1) : 0
    if layout.codesPerByte > 1 {
      codes = .packed(bits: layout.bits)
    } else if let type = element.codeKernelType {
      codes = .bytes(type)
    } else {
      codes = .floats(try ElementConversion(from: element, to: .float32))
    }
    // Unpacked codes, or zero points as int32, of a piece.
    laneScratchBytes = try (layout.dims.last ?? 1).multiplied(by: 4)
  }

  func decode(_ frame: KernelFrame, _ start: Int, _ count: Int, _ target: UnsafeMutablePointer<Float>) {
    let width = dims[dims.count &- 1]
    var at = start
    while at < start &+ count {
      let column = at % width
      var row = at / width, scale = 0
      for axis in (0..<dims.count &- 1).reversed() {
        let place = row % dims[axis]
        row /= dims[axis]
        scale &+= (axis == quantizeAxis ? place / block : place) &* scaleStrides[axis]
      }
      var length = min(width &- column, start &+ count &- at)
      if isRowwise {
        length = min(length, block &- column % block)
        scale &+= column / block &* scaleStrides[quantizeAxis]
      } else {
        scale &+= column &* scaleStrides[dims.count &- 1]
      }
      piece(frame, at, length, scale, isPerElement: !isRowwise && scaleStrides[dims.count &- 1] != 0, target + (at &- start))
      at &+= length
    }
  }

  private func piece(
    _ frame: KernelFrame, _ start: Int, _ count: Int, _ scale: Int, isPerElement: Bool, _ target: UnsafeMutablePointer<Float>
  ) {
    let scales = frame.input(2, as: Float.self) + scale
    switch codes {
    case .floats(let conversion):
      conversion(frame.rawInput(0) + start, target, count)
      for index in 0..<count { target[index] *= scales[isPerElement ? index : 0] }
    case .bytes(let type):
      guard isPerElement, hasZeros else {
        return dequantize(type, frame.rawInput(0) + start, count, scales, zero(frame, scale), isPerElement, target)
      }
      let zeros = frame.laneScratch.assumingMemoryBound(to: Int32.self)
      for index in 0..<count { zeros[index] = code(frame.input(3, as: UInt8.self)[scale &+ index]) }
      var q = pk_quantization()
      (q.scale, q.zero, q.per_element) = (scales, UnsafePointer(zeros), true)
      _ = pk_dequantize_f32(isa, type, &q, frame.rawInput(0) + start, target, count)
    case .packed(let bits):
      let bytes = frame.input(0, as: UInt8.self), unpacked = frame.laneScratch.assumingMemoryBound(to: UInt8.self)
      for index in 0..<count { unpacked[index] = unpack(bytes, start &+ index, bits) }
      dequantize(PK_U8, unpacked, count, scales, zero(frame, scale), false, target)
    }
  }

  @inline(__always) private func code(_ byte: UInt8) -> Int32 { isSigned ? Int32(Int8(bitPattern: byte)) : Int32(byte) }

  @inline(__always) private func unpack(_ bytes: UnsafePointer<UInt8>, _ index: Int, _ bits: Int) -> UInt8 {
    let bit = index &* bits
    return (bytes[bit / 8] &>> UInt8(truncatingIfNeeded: bit % 8)) & UInt8(truncatingIfNeeded: (1 &<< bits) &- 1)
  }

  /// The zero point that belongs to a scale. Packed ones start anew with every row.
  private func zero(_ frame: KernelFrame, _ scale: Int) -> Int32 {
    guard hasZeros else { return middle }
    let zeros = frame.input(3, as: UInt8.self)
    guard case .packed(let bits) = codes else { return code(zeros[scale]) }
    let rowBytes = (blocks &* bits &+ 7) / 8
    return Int32(unpack(zeros + scale / blocks &* rowBytes, scale % blocks, bits))
  }

  private func dequantize(
    _ type: pk_type, _ codes: UnsafeRawPointer, _ count: Int, _ scales: UnsafePointer<Float>, _ zero: Int32, _ isPerElement: Bool,
    _ target: UnsafeMutablePointer<Float>
  ) {
    var zero = zero
    withUnsafePointer(to: &zero) { zero in
      var q = pk_quantization()
      q.scale = scales
      // Codes with a scale each that have zero points as well are taken care of before.
      q.zero = isPerElement ? nil : zero
      q.per_element = isPerElement
      _ = pk_dequantize_f32(isa, type, &q, codes, target, count)
    }
  }
}
