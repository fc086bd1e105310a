import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// A product with weights that DequantizeLinear makes of constant codes of 4 bits becomes MatMulNBits, in which they stay 4 bits each.
struct BlockQuantizedWeights: Rule {
  let anchors: [any Operator.Type] = [MatMul.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let a = editor.input(index, 0), let dequantize = editor.soleProducer(editor.input(index, 1), DequantizeLinear.self),
      let op = editor.op(dequantize, DequantizeLinear.self),
      let codes = editor.constant(editor.input(dequantize, 0)), let scales = editor.constant(editor.input(dequantize, 1)),
      let weights = Weights(op, codes, scales, zero: editor.constant(editor.input(dequantize, 2))),
      editor.input(dequantize, 2).map({ editor.constant($0) != nil }) ?? true
    else { return false }
    guard let packedCodes = try weights.packedCodes(context), let scales = try weights.rowScales(context) else { return false }
    var inputs: [ValueID?] = [a, editor.addConstant(packedCodes), editor.addConstant(scales)]
    if weights.hasZeros {
      guard let zeros = try weights.packedZeros(context) else { return false }
      inputs.append(editor.addConstant(zeros))
    }
    let node = try Node(
      MatMulNBits.self, name: editor[index].name,
      attributes: [
        "K": .int(Int64(weights.k)), "N": .int(Int64(weights.n)), "bits": .int(4), "block_size": .int(Int64(weights.block)),
      ], inputs: inputs, outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }

  /// Codes [K, N] of which `block` in a column share a scale and a zero point.
  private struct Weights {
    let k: Int
    let n: Int
    let block: Int
    private let codes: Tensor
    private let scales: Tensor
    private let zero: Tensor?
    /// Scales from one block of a column to the next, and from one column to the next.
    private let steps: (block: Int, column: Int)
    /// What makes a code one of MatMulNBits, which are 0 to 15.
    private let shift: UInt8

    init?(_ op: DequantizeLinear, _ codes: Tensor, _ scales: Tensor, zero: Tensor?) {
      guard codes.element == .int4 || codes.element == .uint4, codes.shape.rank == 2, codes.count > 0, scales.element == .float32,
        zero.map({ $0.element == codes.element && $0.count == scales.count }) ?? true
      else { return nil }
      (k, n) = (codes.shape[0], codes.shape[1])
      let axis = op.axis < 0 ? op.axis + 2 : op.axis, size = op.blockSize
      if size > 0 {
        guard axis == 0, size >= 16, size & (size - 1) == 0, size <= 1 << 20, k % size == 0, scales.shape.dims == [k / size, n] else { return nil }
        block = size
        steps = (n, 1)
      } else {
        guard scales.count == 1 || (axis == 1 && scales.shape.dims == [n]), k % 16 == 0 else { return nil }
        // The largest power of two that divides K, as far as blocks grow at use.
        block = min(k & -k, 128)
        steps = (0, scales.count == 1 ? 0 : 1)
      }
      self.codes = codes
      self.scales = scales
      self.zero = zero
      shift = codes.element == .int4 ? 8 : 0
    }

    private var blocks: Int { k / block }

    /// Memory that counts as the session's, and whose making polls; nil where there is no room for it.
    private func constant(_ element: ElementType, _ dims: [Int], _ context: PassContext) throws(PinionError) -> Tensor? {
      try context.folding.constant(TensorType(element, try Shape(dims)), allocator: context.allocator)
    }

    /// Codes of each column, two in a byte, the first in the lower bits; nil where they do not fit.
    func packedCodes(_ context: PassContext) throws(PinionError) -> Tensor? {
      guard let result = try constant(.uint8, [n, blocks, block / 2], context) else { return nil }
      guard let codes = try context.folding.source(codes) else { return nil }
      var poll = Poll(context.control)
      let target = try result.mutableElements(as: UInt8.self), source = codes.data.assumingMemoryBound(to: UInt8.self)
      // Columns by the cache line, as they lie side by side.
      for first in stride(from: 0, to: n, by: 64) {
        for pair in 0..<(k / 2) {
          try poll.count(min(n - first, 64))
          for column in first..<min(n, first + 64) {
            let low = (source[2 * pair * n + column] &+ shift) & 15, high = (source[(2 * pair + 1) * n + column] &+ shift) & 15
            target[column * (k / 2) + pair] = low | high << 4
          }
        }
      }
      withExtendedLifetime(codes) {}
      return result
    }

    /// A scale for each block of a column; nil where they do not fit.
    func rowScales(_ context: PassContext) throws(PinionError) -> Tensor? {
      guard let result = try constant(.float32, [n, blocks], context), let scales = try context.folding.source(scales) else { return nil }
      let target = try result.mutableElements(as: Float.self), source = try scales.unsafeElements(as: Float.self)
      var poll = Poll(context.control)
      for column in 0..<n {
        try poll.count(1 &+ blocks)
        for index in 0..<blocks { target[column * blocks + index] = source[index * steps.block + column * steps.column] }
      }
      withExtendedLifetime(scales) {}
      return result
    }

    /// Whether not all zero points are the middle code.
    var hasZeros: Bool { zero != nil || shift != 8 }

    /// Zero points of each column, two in a byte; nil where they do not fit.
    func packedZeros(_ context: PassContext) throws(PinionError) -> Tensor? {
      let width = (blocks - 1) / 2 + 1
      guard let result = try constant(.uint8, [n, width], context) else { return nil }
      var source: UnsafeMutablePointer<UInt8>?
      var elements: Tensor?
      if let zero {
        guard let made = try context.folding.source(zero) else { return nil }
        (elements, source) = (made, made.data.assumingMemoryBound(to: UInt8.self))
      }
      defer { withExtendedLifetime(elements) {} }
      var poll = Poll(context.control)
      let target = try result.mutableElements(as: UInt8.self)
      target.update(repeating: 0)
      for column in 0..<n {
        try poll.count(1 &+ blocks)
        for index in 0..<blocks {
          let code = ((source?[index * steps.block + column * steps.column] ?? 0) &+ shift) & 15
          target[column * width + index / 2] |= code << UInt8(index % 2 * 4)
        }
      }
      return result
    }
  }
}
