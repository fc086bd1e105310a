import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A · Bᵀ for weights B of 2, 4 or 8 bits that share a scale and a zero point in blocks along their rows.
package struct MatMulNBits: CPUExecutable {
  package static let schema = Schema(
    "MatMulNBits", domain: "com.microsoft", since: 1,
    inputs: ["A: T1", "B: uint8", "scales: float32|float16|bfloat16", "zero_points?: T3", "g_idx?: int32", "bias?: T1"], outputs: ["Y: T1"],
    types: ["T1": [.float32, .float16, .bfloat16], "T3": [.float32, .float16, .bfloat16, .uint8]])
  package static var computesHalfInFloat32: Bool { true }
  let k: Int
  let n: Int
  let bits: Int
  let block: Int
  /// The least precision that activations are to keep: 1 float32, 2 float16, 3 bfloat16, 4 int8; 0 says nothing.
  let accuracy: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    k = try attributes.int("K", in: 1...(1 << 40))
    n = try attributes.int("N", in: 1...(1 << 40))
    bits = try attributes.int("bits", default: 4, in: 2...8)
    block = try attributes.int("block_size", in: 16...(1 << 20))
    guard bits == 2 || bits == 4 || bits == 8 else { throw .unsupported("weights of \(bits) bits; 2, 4 and 8 are supported") }
    guard block & (block - 1) == 0 else { throw .invalidModel("attribute 'block_size' is \(block), expected a power of two") }
    accuracy = try attributes.int("accuracy_level", default: 0, in: 0...(1 << 31))
    attributes.ignore("weight_prepacked")
  }

  private var blocks: Int { (k &- 1) / block &+ 1 }
  /// Bytes of a row's zero points where they are packed like weights.
  private var zeroBytes: Int { (blocks &* bits &- 1) / 8 &+ 1 }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let a = try context.type(0, rankAtLeast: 1), b = try context.type(1), scales = try context.type(2)
    guard a.dims.last == k else { throw .invalidShape("input 'A' is \(a), expected \(k) columns") }
    let total = try n.multiplied(by: blocks)
    guard b.count == (try total.multiplied(by: block &* bits / 8)) else {
      throw .invalidShape("input 'B' is \(b), expected [\(n),\(blocks),\(block &* bits / 8)]")
    }
    guard scales.count == total else { throw .invalidShape("input 'scales' is \(scales), expected \(n) x \(blocks) elements") }
    if let zeros = context.optionalType(3) {
      let expected = zeros.element == .uint8 ? try n.multiplied(by: zeroBytes) : total
      guard zeros.count == expected else { throw .invalidShape("input 'zero_points' is \(zeros), expected \(expected) elements") }
    }
    guard !context.has(4) else { throw .unsupported("reordered blocks (input 'g_idx')") }
    if let bias = context.optionalType(5), bias.count != n { throw .invalidShape("input 'bias' is \(bias), expected \(n) elements") }
    return [TensorType(a.element, try Shape(Array(a.dims.dropLast()) + [n]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context[0].element, context[0].dims(with: n, at: context[0].position(-1)))] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let a = try context.type(0)
    guard a.element == .float32 else { throw context.unsupportedTypes() }
    var preparation = Preparation(context)
    let scales = try preparation.convert(2, to: .float32)
    let zeros = try zeroPlace(&preparation, context)
    let product = BlockQuantizedProduct(
      m: a.count / k, n: n, k: k, bits: bits, block: block, scales: scales, zeros: zeros, roundsActivations: accuracy == 4,
      bias: context.has(5) ? 5 : nil)
    let (stages, lane) = try product.stages(&preparation)
    return preparation.kernel(stages, laneScratchBytes: lane)
  }

  /// The zero points as a float for each block; nil where all are the middle code.
  private func zeroPlace(_ preparation: inout Preparation, _ context: KernelContext) throws(PinionError) -> Preparation.Place? {
    let (n, blocks, bits, zeroBytes) = (n, blocks, bits, zeroBytes)
    let bytes = try n.multiplied(by: blocks).multiplied(by: 4)
    guard let type = context.optionalType(3) else { return nil }
    guard type.element == .uint8 else { return try preparation.convert(3, to: .float32) }
    let unpack: @Sendable (UnsafePointer<UInt8>, UnsafeMutableRawPointer) -> Void = { codes, target in
      let zeros = target.assumingMemoryBound(to: Float.self)
      let mask = UInt8(truncatingIfNeeded: (1 &<< bits) &- 1)
      for row in 0..<n {
        for block in 0..<blocks {
          let bit = block &* bits
          zeros[row &* blocks &+ block] = Float((codes[row &* zeroBytes &+ bit / 8] &>> UInt8(truncatingIfNeeded: bit % 8)) & mask)
        }
      }
    }
    if let constant = context.value(3) {
      return .constant(
        try context.packed(constant, form: "nbits.zero.\(bits).\(blocks)", bytes: bytes) {
          elements, target, _ in unpack(elements.assumingMemoryBound(to: UInt8.self), target)
        })
    }
    return try preparation.compute(bytes: bytes) { frame, target in unpack(frame.input(3), target) }
  }
}
