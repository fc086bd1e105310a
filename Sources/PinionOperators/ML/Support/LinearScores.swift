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

  /// - Parameter columns: the row's length; where it is below that of the functions, they are read as if they were as short,
  ///   since published models with too many coefficients are run so elsewhere.
  func compute(_ row: UnsafePointer<Float>, columns: Int, _ scores: UnsafeMutablePointer<Double>) {
    let table = coefficients.pointer.assumingMemoryBound(to: Float.self)
    for function in 0..<functions {
      let intercept = intercepts.isEmpty ? 0 : intercepts[function]
      scores[function] = Double(pk_dot_f32(row, table + function &* columns, columns) + intercept)
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
