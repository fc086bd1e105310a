import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A · Bᵀ for weights B in 4 bits that stand for 16 numbers of bitsandbytes, with a factor for each block of elements one behind the other.
package struct MatMulBnb4: CPUExecutable {
  package static let schema = Schema(
    "MatMulBnb4", domain: "com.microsoft", since: 1, inputs: ["A: T1", "B: uint8", "absmax: T1"], outputs: ["Y: T1"],
    types: ["T1": [.float32, .float16, .bfloat16]], mixing: ["T1"])
  package static var computesHalfInFloat32: Bool { true }
  let k: Int
  let n: Int
  let block: Int
  let isNormal: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    k = try attributes.int("K", in: 1...(1 << 40))
    n = try attributes.int("N", in: 1...(1 << 40))
    block = try attributes.int("block_size", in: 16...(1 << 20))
    guard block & (block - 1) == 0 else { throw .invalidModel("attribute 'block_size' is \(block), expected a power of two") }
    isNormal = try attributes.int("quant_type", in: 0...1) == 1
    guard try attributes.bool("transB", default: true) else { throw .unsupported("MatMulBnb4 with transB 0, a product of training") }
    attributes.ignore("training_mode")
  }

  /// The numbers of codes as bitsandbytes has them: FP4 has a sign, two bits of exponent and one of mantissa over 12; NF4 has quantiles of
  /// the normal distribution.
  private var numbers: [Float] {
    if isNormal {
      return [
        -1, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.091050036, 0, 0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983,
        0.562617, 0.72295684, 1,
      ]
    }
    let magnitudes: [Float] = [0, 0.0052083333, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25]
    return magnitudes + magnitudes.map { -$0 }
  }

  private var blocks: Int { (n &* k &- 1) / block &+ 1 }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let a = try context.type(0, rankAtLeast: 1), b = try context.type(1), scales = try context.type(2)
    guard a.dims.last == k else { throw .invalidShape("input 'A' is \(a), expected \(k) columns") }
    let count = try n.multiplied(by: k)
    guard b.count == count / 2 &+ count % 2 else { throw .invalidShape("input 'B' is \(b), expected \(count / 2 &+ count % 2) bytes") }
    guard scales.count == blocks else { throw .invalidShape("input 'absmax' is \(scales), expected \(blocks) elements") }
    return [TensorType(a.element, try Shape(Array(a.dims.dropLast()) + [n]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context[0].element, context[0].dims(with: n, at: context[0].position(-1)))] }
  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int { productOperations(depth: k, outputs) }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let a = try context.type(0)
    guard a.element == .float32 else { throw context.unsupportedTypes() }
    let (m, n, k, block, isa) = (a.count / k, n, k, block, pk_isa_best())
    guard m > 0 else { return Kernel(stages: []) }
    let table: KernelTable<Float> = try context.table(count: 16)
    for (code, number) in numbers.enumerated() { table[code] = number }
    guard let dots = pk_dots_kernel(isa, PK_F32) else { throw .internal("no products of rows") }
    let columns = min(n, max(32, min(128, (1 << 18) / k / 32 &* 32))), height = min(m, 64)
    var product = pk_sgemm()
    (product.m, product.n, product.k) = (m, n, k)
    (product.lda, product.ldb, product.ldc) = (k, k, n)
    product.alpha = 1
    let numbers = try alignedUp(try columns.multiplied(by: k).multiplied(by: 4), to: Buffer.alignment)
    let panel = try alignedUp(try scratchSize(pk_sgemm_packed_b_bytes(isa, k, columns)), to: Buffer.alignment)
    let lane = try numbers.adding(panel).adding(try scratchSize(pk_sgemm_scratch_bytes(isa, &product, height, columns)))
    return .ranges(n, grain: columns, laneScratchBytes: lane) { (frame, range) throws(PinionError) in
      let weights = frame.laneScratch.assumingMemoryBound(to: Float.self)
      let codes = frame.input(1, as: UInt8.self), scales = frame.input(2, as: Float.self)
      var poll = Poll(frame.control)
      for row in range {
        try poll.count(k)
        let target = weights + (row &- range.lowerBound) &* k
        var column = 0
        while column < k {
          let first = row &* k &+ column
          let scale = scales[first / block], end = min(k, column &+ block &- first % block)
          // The first of two codes lies in a byte's high bits.
          for place in column..<end {
            let index = row &* k &+ place
            target[place] = table[Int(index % 2 == 0 ? codes[index / 2] &>> 4 : codes[index / 2] & 15)] * scale
          }
          column = end
        }
      }
      let rows = frame.input(0, as: Float.self), target = frame.output(0, as: Float.self) + range.lowerBound
      if m <= 4 {
        for row in 0..<m { dots(weights, k, rows + row &* k, target + row &* n, range.count, k) }
        return
      }
      let packed = (frame.laneScratch + numbers).assumingMemoryBound(to: Float.self)
      pk_sgemm_pack_b(isa, true, k, range.count, weights, k, 0, range.count, packed)
      var g = pk_sgemm()
      (g.m, g.n, g.k, g.lda, g.ldb, g.ldc) = (m, range.count, k, k, k, n)
      g.alpha = 1
      (g.a, g.packed_b, g.c) = (rows, UnsafePointer(packed), target)
      for row in stride(from: 0, to: m, by: height) {
        try frame.control.check()
        pk_sgemm_block(isa, &g, row, min(row &+ height, m), 0, range.count, frame.laneScratch + (numbers &+ panel))
      }
    }
  }
}
