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
  /// Where the scales and zero points lie, float32 for each block of each row; without zero points the middle code is everywhere 0.
  public var scales: Preparation.Place
  public var zeros: Preparation.Place?
  /// Whether activations become bytes with a scale for each block, where weights have 4 bits.
  public var roundsActivations: Bool
  /// The input with an addend for each column.
  public var bias: Int?
  private let isa = pk_isa_best()

  public init(
    m: Int, n: Int, k: Int, bits: Int, block: Int, scales: Preparation.Place, zeros: Preparation.Place?, roundsActivations: Bool, bias: Int?
  ) {
    self.m = m
    self.n = n
    self.k = k
    self.bits = bits
    self.block = block
    self.scales = scales
    self.zeros = zeros
    self.roundsActivations = roundsActivations
    self.bias = bias
  }

  /// The extents alone, which give sizes of rows.
  private var layout: pk_nbits {
    var b = pk_nbits()
    (b.k, b.block, b.blocks, b.bits) = (k, block, (k &- 1) / block &+ 1, Int32(truncatingIfNeeded: bits))
    return b
  }

  private func weights(_ frame: KernelFrame) -> pk_nbits {
    var b = layout
    b.codes = frame.input(1)
    b.scale = scales.pointer(frame)
    b.zero = zeros?.pointer(frame)
    return b
  }

  /// The stages from inputs 0 (A) and 1 (codes) to output 0; `preparation` gets the room that they need.
  public func stages(_ preparation: inout Preparation) throws(PinionError) -> (stages: [Kernel.Stage], laneScratchBytes: Int) {
    guard m > 0, n > 0, k > 0 else { return ([], 0) }
    if bits == 4, roundsActivations { return (try byteStages(&preparation), 0) }
    return m <= 4 && bits == 4 ? (try rowStages(&preparation), 0) : try panelStages(&preparation)
  }

  /// Few rows: the weights are read once, as they are.
  private func rowStages(_ preparation: inout Preparation) throws(PinionError) -> [Kernel.Stage] {
    let (m, n, k, isa) = (m, n, k, isa)
    let rowFloats = ((k &- 1) / block &+ 1) &* (block &+ 1)
    let offset = try preparation.reserve(try m.multiplied(by: rowFloats).multiplied(by: 4))
    let prepare = Kernel.Stage(tasks: m) { frame, row in
      var b = layout
      pk_nbits_prepare_row(
        &b, frame.input(0, as: Float.self) + row &* k, (frame.scratch + offset).assumingMemoryBound(to: Float.self) + row &* rowFloats)
    }
    let grain = max(2, (1 << 20) / k / 2 &* 2)
    let product = Kernel.Stage.ranges(n, grain: min(grain, max(2, n / 8 / 2 &* 2))) { frame, range in
      var b = weights(frame)
      let target = frame.output(0, as: Float.self) + range.lowerBound
      let prepared = (frame.scratch + offset).assumingMemoryBound(to: Float.self)
      pk_nbits_gemv(isa, &b, prepared, m, range.lowerBound, range.upperBound, target, n)
      addBias(frame, rows: 0..<m, columns: range)
    }
    return [prepare, product]
  }

  /// Activations as bytes: the weights are read as they are by every few rows.
  private func byteStages(_ preparation: inout Preparation) throws(PinionError) -> [Kernel.Stage] {
    let (m, n, k, isa) = (m, n, k, isa)
    var sizes = layout
    let rowBytes = pk_nbits_row_bytes(&sizes)
    let offset = try preparation.reserve(try m.multiplied(by: rowBytes))
    let prepare = Kernel.Stage.ranges(m, grain: max(1, (1 << 16) / k)) { frame, range in
      var b = layout
      for row in range {
        pk_nbits_prepare_bytes(isa, &b, frame.input(0, as: Float.self) + row &* k, frame.scratch + (offset &+ row &* rowBytes))
      }
    }
    // Rows that stay in the L2 cache, and columns of about a third of a millisecond.
    let rows = min(m, 128), columns = max(32, min((1 << 24) / k / rows, n / 8) / 32 &* 32)
    let across = (n &- 1) / columns &+ 1, down = (m &- 1) / rows &+ 1
    let product = Kernel.Stage(tasks: across &* down) { frame, task in
      var b = weights(frame)
      let row = task / across &* rows, column = task % across &* columns
      let height = min(rows, m &- row), end = min(column &+ columns, n)
      let target = frame.output(0, as: Float.self) + (row &* n &+ column)
      pk_nbits_product_bytes(isa, &b, frame.scratch + (offset &+ row &* rowBytes), height, column, end, target, n)
      addBias(frame, rows: row..<(row &+ height), columns: column..<end)
    }
    return [prepare, product]
  }

  private func addBias(_ frame: KernelFrame, rows: Range<Int>, columns: Range<Int>) {
    guard let bias else { return }
    let addends = frame.input(bias, as: Float.self)
    for row in rows {
      let target = frame.output(0, as: Float.self) + row &* n
      for column in columns { target[column] += addends[column] }
    }
  }

  /// Many rows: panels of weights become float32 and are multiplied with every row.
  private func panelStages(_ preparation: inout Preparation) throws(PinionError) -> (stages: [Kernel.Stage], laneScratchBytes: Int) {
    let (m, n, k, isa) = (m, n, k, isa)
    let columns = min(n, max(32, min(128, (1 << 18) / k / 32 &* 32)))
    // Panels of rows are made once for all columns.
    let height = pk_sgemm_panel_rows(isa, m), rows = min(m, max(1, 512 / height) &* height)
    let offset = try preparation.reserve(scratchSize(pk_sgemm_packed_a_bytes(isa, m, k)))
    let pack = Kernel.Stage.ranges(m, grain: max(1, (1 << 16) / k / height) &* height) { frame, range in
      let packed = (frame.scratch + offset).assumingMemoryBound(to: Float.self)
      pk_sgemm_pack_a(isa, false, m, k, frame.input(0), k, range.lowerBound, range.upperBound, packed)
    }
    let lane = try scratchSize(pk_sgemm_packed_b_bytes(isa, k, columns))
    let product = Kernel.Stage.ranges(n, grain: columns) { frame, range in
      var b = weights(frame)
      let panel = frame.laneScratch.assumingMemoryBound(to: Float.self)
      pk_nbits_panels(isa, &b, range.lowerBound, range.upperBound, panel)
      var g = pk_sgemm()
      (g.m, g.n, g.k) = (m, range.count, k)
      (g.lda, g.ldb, g.ldc) = (k, k, n)
      g.alpha = 1
      g.packed_a = UnsafePointer((frame.scratch + offset).assumingMemoryBound(to: Float.self))
      g.packed_b = UnsafePointer(panel)
      g.c = frame.output(0, as: Float.self) + range.lowerBound
      if let bias { g.epilogue.col_bias = frame.input(bias, as: Float.self) + range.lowerBound }
      var row = 0
      while row < m {
        pk_sgemm_block(isa, &g, row, min(row &+ rows, m), 0, range.count, nil)
        row &+= rows
      }
    }
    return ([pack, product], lane)
  }
}
