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
  let intercepts: [Float]
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
    self.intercepts = intercepts
    self.functions = functions
    columns = values.count / functions
  }

  /// - Parameter columns: the rows' length; where it is below that of the functions, they are read as if they were as short,
  ///   since published models with too many coefficients are run so elsewhere.
  func compute(_ features: UnsafePointer<Float>, rows: Int, columns: Int, _ scores: UnsafeMutablePointer<Float>) {
    let table = UnsafePointer(coefficients.pointer.assumingMemoryBound(to: Float.self))
    for function in 0..<functions {
      let factors = table + function &* columns
      let intercept = intercepts.isEmpty ? 0 : intercepts[function]
      if columns < 16 {
        shortDots(features, rows, columns, factors, intercept, scores + function)
      } else {
        for row in 0..<rows { scores[row &* functions &+ function] = pk_dot_f32(features + row &* columns, factors, columns) + intercept }
      }
    }
  }

  /// Sums this short take longer to share out than to add up; four rows keep the adders busy. A row's sum does not depend on its place.
  private func shortDots(
    _ features: UnsafePointer<Float>, _ rows: Int, _ columns: Int, _ factors: UnsafePointer<Float>, _ intercept: Float,
    _ scores: UnsafeMutablePointer<Float>
  ) {
    var row = 0
    while row &+ 4 <= rows {
      let x = features + row &* columns
      var sums = SIMD4<Float>.zero
      for column in 0..<columns {
        let values = SIMD4(x[column], x[columns &+ column], x[2 &* columns &+ column], x[3 &* columns &+ column])
        sums += values * factors[column]
      }
      for index in 0..<4 { scores[(row &+ index) &* functions] = sums[index] + intercept }
      row &+= 4
    }
    while row < rows {
      var sum: Float = 0
      for column in 0..<columns { sum += features[row &* columns &+ column] * factors[column] }
      scores[row &* functions] = sum + intercept
      row &+= 1
    }
  }

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
      laneScratchBytes: try converted.adding(scoreBytes).adding(lineBytes)
    ) { [self] frame, rows in
      let scores = (frame.laneScratch + converted).assumingMemoryBound(to: Float.self)
      let line = (frame.laneScratch + converted + scoreBytes).assumingMemoryBound(to: Double.self)
      for start in stride(from: rows.lowerBound, to: rows.upperBound, by: block) {
        let part = start..<min(start &+ block, rows.upperBound)
        let x = read(frame.rawInput(0), part, frame.laneScratch).assumingMemoryBound(to: Float.self)
        compute(x, rows: part.count, columns: input.columns, scores)
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
