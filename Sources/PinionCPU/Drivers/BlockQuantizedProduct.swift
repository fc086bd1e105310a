import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// A product of float32 rows with weights of 2, 4 or 8 bits in blocks: C[m, n] = A[m, k] · W[n, k]ᵀ.
public struct BlockQuantizedProduct: Sendable {
  public var m: Int
  public var n: Int
  public var k: Int
  public var bits: Int
  public var block: Int
  /// Where the scales and zero points lie, float32 for each block of each row.
  public var scales: Preparation.Place
  public var zeros: Preparation.Place
  /// The input with an addend for each column.
  public var bias: Int?
  private let isa = pk_isa_best()

  public init(m: Int, n: Int, k: Int, bits: Int, block: Int, scales: Preparation.Place, zeros: Preparation.Place, bias: Int?) {
    self.m = m
    self.n = n
    self.k = k
    self.bits = bits
    self.block = block
    self.scales = scales
    self.zeros = zeros
    self.bias = bias
  }

  private func weights(_ frame: KernelFrame) -> pk_nbits {
    var b = pk_nbits()
    (b.k, b.block, b.blocks, b.bits) = (k, block, (k &- 1) / block &+ 1, Int32(truncatingIfNeeded: bits))
    b.codes = frame.input(1)
    b.scale = scales.pointer(frame)
    b.zero = zeros.pointer(frame)
    return b
  }

  /// The stages from inputs 0 (A) and 1 (codes) to output 0; `preparation` gets the room that they need.
  public func stages(_ preparation: inout Preparation) throws(PinionError) -> (stages: [Kernel.Stage], laneScratchBytes: Int) {
    guard m > 0, n > 0, k > 0 else { return ([], 0) }
    return m <= 4 && bits == 4 ? (try rowStages(&preparation), 0) : try panelStages()
  }

  /// Few rows: the weights are read once, as they are.
  private func rowStages(_ preparation: inout Preparation) throws(PinionError) -> [Kernel.Stage] {
    let (m, n, k, isa) = (m, n, k, isa)
    let rowFloats = ((k &- 1) / block &+ 1) &* (block &+ 1)
    let offset = try preparation.reserve(try m.multiplied(by: rowFloats).multiplied(by: 4))
    let prepare = Kernel.Stage(tasks: m) { frame, row in
      var b = weights(frame)
      pk_nbits_prepare_row(
        &b, frame.input(0, as: Float.self) + row &* k, (frame.scratch + offset).assumingMemoryBound(to: Float.self) + row &* rowFloats)
    }
    let grain = max(2, (1 << 20) / k / 2 &* 2)
    let product = Kernel.Stage.ranges(n, grain: min(grain, max(2, n / 8 / 2 &* 2))) { frame, range in
      var b = weights(frame)
      for row in 0..<m {
        let prepared = (frame.scratch + offset).assumingMemoryBound(to: Float.self) + row &* rowFloats
        let target = frame.output(0, as: Float.self) + (row &* n &+ range.lowerBound)
        pk_nbits_gemv(isa, &b, prepared, range.lowerBound, range.upperBound, target)
        guard let bias else { continue }
        let addends = frame.input(bias, as: Float.self) + range.lowerBound
        for column in 0..<range.count { target[column] += addends[column] }
      }
    }
    return [prepare, product]
  }

  /// Many rows: panels of weights become float32 and are multiplied with every row.
  private func panelStages() throws(PinionError) -> (stages: [Kernel.Stage], laneScratchBytes: Int) {
    let (m, n, k, isa) = (m, n, k, isa)
    let columns = min(n, max(32, min(128, (1 << 18) / k / 32 &* 32)))
    var g = pk_sgemm()
    (g.m, g.n, g.k) = (m, columns, k)
    (g.lda, g.ldb, g.ldc) = (k, k, n)
    g.trans_b = true
    let rows = min(m, 512)
    let own = try alignedUp(scratchSize(pk_sgemm_scratch_bytes(isa, &g, rows, columns)), to: Buffer.alignment)
    let lane = try own.adding(columns.multiplied(by: k).multiplied(by: 4))
    let stage = Kernel.Stage.ranges(n, grain: columns) { frame, range in
      var b = weights(frame)
      let panel = (frame.laneScratch + own).assumingMemoryBound(to: Float.self)
      pk_nbits_dequantize(isa, &b, range.lowerBound, range.upperBound, panel)
      var g = pk_sgemm()
      (g.m, g.n, g.k) = (m, range.count, k)
      (g.lda, g.ldb, g.ldc) = (k, k, n)
      g.trans_b = true
      g.alpha = 1
      g.a = frame.input(0)
      g.b = UnsafePointer(panel)
      g.c = frame.output(0, as: Float.self) + range.lowerBound
      if let bias { g.epilogue.col_bias = frame.input(bias, as: Float.self) + range.lowerBound }
      var row = 0
      while row < m {
        pk_sgemm_block(isa, &g, row, min(row &+ rows, m), 0, range.count, frame.laneScratch)
        row &+= rows
      }
    }
    return ([stage], lane)
  }
}
