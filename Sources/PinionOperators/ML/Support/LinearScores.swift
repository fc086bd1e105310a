import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Scores of rows under linear functions: for each row and function, dot(row, coefficients) + intercept.
struct LinearScores: Sendable {
  /// `functions` rows of `columns` coefficients.
  let coefficients: Buffer
  /// One for each function.
  let intercepts: Buffer?
  let functions: Int
  let columns: Int

  init(coefficients values: [Float], intercepts: [Float], functions: Int) throws(PinionError) {
    guard functions > 0, values.count % functions == 0 else {
      throw .invalidModel("\(values.count) coefficients for \(functions) classes or targets")
    }
    guard intercepts.isEmpty || intercepts.count == functions else {
      throw .invalidModel("\(intercepts.count) intercepts for \(functions) classes or targets")
    }
    coefficients = try Allocator.system.buffer(floats: values)
    self.intercepts = intercepts.isEmpty ? nil : try Allocator.system.buffer(floats: intercepts)
    self.functions = functions
    columns = values.count / functions
  }

  /// The scores of some rows. A row's sums do not depend on its place.
  /// - Parameters:
  ///   - columns: the rows' length; where it is below that of the functions, they are read as if they were as short, since published models
  ///     with too many coefficients are run so elsewhere.
  ///   - room: for `functions` times `rows` scores; not `scores`.
  func compute(_ features: UnsafePointer<Float>, rows: Int, columns: Int, _ scores: UnsafeMutablePointer<Float>, room: UnsafeMutablePointer<Float>) {
    let table = UnsafePointer(coefficients.pointer.assumingMemoryBound(to: Float.self))
    let bias = intercepts.map { UnsafePointer($0.pointer.assumingMemoryBound(to: Float.self)) }
    let isa = pk_isa_best()
    // The functions' scores one after the other: so many rows of a product need neither packing nor scratch.
    let product = functions == 1 ? scores : room
    for function in stride(from: 0, to: functions, by: LinearScores.together) {
      let count = min(LinearScores.together, functions &- function)
      var g = pk_sgemm()
      (g.m, g.n, g.k) = (count, rows, columns)
      (g.a, g.lda) = (table + function &* columns, columns)
      (g.b, g.ldb, g.trans_b) = (features, columns, true)
      (g.c, g.ldc) = (product + function &* rows, rows)
      g.alpha = 1
      g.epilogue.row_bias = bias.map { $0 + function }
      pk_sgemm_block(isa, &g, 0, count, 0, rows, nil)
    }
    guard functions > 1 else { return }
    for row in 0..<rows {
      for function in 0..<functions { scores[row &* functions &+ function] = room[function &* rows &+ row] }
    }
  }

  /// Functions of one product.
  private static let together = 4

  /// A kernel that computes blocks of rows.
  /// - Parameter finish: gets the scores of a range of rows, `functions` for each, as float32, and room for `functions` + 1 scores.
  func kernel(
    _ context: KernelContext, columns: ClosedRange<Int>,
    finish: @escaping @Sendable (KernelFrame, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Double>, Range<Int>) -> Void
  ) throws(PinionError) -> Kernel {
    let input = try FeatureRows(try context.type(0))
    guard columns.contains(input.columns) else {
      throw .invalidShape("input 'X' has \(input.columns) features, the model \(columns.upperBound)")
    }
    let read = try input.reader(as: .float32)
    // Features and scores of a block stay in the first cache.
    let block = max(1, min(64, 2048 / max(input.columns, functions, 1)))
    let converted = try input.scratchBytes(block, as: .float32)
    let scoreBytes = try alignedUp(block.multiplied(by: functions).multiplied(by: MemoryLayout<Float>.stride), to: Buffer.alignment)
    let lineBytes = try functions.adding(1).multiplied(by: MemoryLayout<Double>.stride)
    return .ranges(
      input.rows, grain: max(1, 1_000_000 / max(functions &* self.columns, 1)),
      laneScratchBytes: try converted.adding(scoreBytes).adding(scoreBytes).adding(lineBytes)
    ) { [self] frame, rows in
      let scores = (frame.laneScratch + converted).assumingMemoryBound(to: Float.self)
      let room = (frame.laneScratch + converted + scoreBytes).assumingMemoryBound(to: Float.self)
      let line = (frame.laneScratch + converted + scoreBytes + scoreBytes).assumingMemoryBound(to: Double.self)
      for start in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
        let part = start..<min(start &+ block, rows.upperBound)
        let x = read(frame.rawInput(0), part, frame.laneScratch).assumingMemoryBound(to: Float.self)
        compute(x, rows: part.count, columns: input.columns, scores, room: room)
        finish(frame, scores, line, part)
      }
    }
  }
}

extension Allocator {
  /// Memory with a copy of `values`.
  func buffer(floats values: [Float]) throws(PinionError) -> Buffer {
    let buffer = try buffer(bytes: values.count.multiplied(by: MemoryLayout<Float>.stride))
    buffer.pointer.bindMemory(to: Float.self, capacity: values.count).update(from: values, count: values.count)
    return buffer
  }
}

/// A kernel that computes one row of scores at a time.
/// - Parameters:
///   - columns: how many features a row may have.
///   - scoreCount: how many scores `body` has room for.
///   - cost: roughly how many multiplications a row takes.
///   - body: gets a row of float32 features, room for scores, and the row's number.
func rowKernel(
  _ context: KernelContext, columns: ClosedRange<Int>, scoreCount: Int, cost: Int,
  _ body: @escaping @Sendable (KernelFrame, UnsafePointer<Float>, UnsafeMutablePointer<Double>, Int) -> Void
) throws(PinionError) -> Kernel {
  let input = try FeatureRows(try context.type(0))
  guard columns.contains(input.columns) else {
    throw .invalidShape("input 'X' has \(input.columns) features, the model \(columns.upperBound)")
  }
  let read = try input.reader(as: .float32)
  let converted = try input.scratchBytes(1, as: .float32)
  let scoreBytes = try scoreCount.multiplied(by: MemoryLayout<Double>.stride)
  return .ranges(input.rows, grain: max(1, 1_000_000 / max(cost, 1)), laneScratchBytes: try converted.adding(scoreBytes)) { frame, rows in
    let scores = (frame.laneScratch + converted).assumingMemoryBound(to: Double.self)
    for row in rows {
      let x = read(frame.rawInput(0), row..<row &+ 1, frame.laneScratch).assumingMemoryBound(to: Float.self)
      body(frame, x, scores, row)
    }
  }
}
