import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionTensor

/// The kernel of an ensemble.
///
/// Many rows are shared out by blocks. For few rows the trees are: each part sums its own trees, and a second stage adds up
/// the parts in order, so that the result does not depend on the number of threads.
/// - Parameter finish: gets the aggregated scores of a range of rows, `targets` for each.
func forestKernel(
  _ source: TreeSource, _ context: KernelContext,
  finish: @escaping @Sendable (KernelFrame, Range<Int>, UnsafeMutablePointer<Double>) -> Void
) throws(PinionError) -> Kernel {
  let input = try FeatureRows(try context.type(0))
  guard input.columns >= source.featureCount else {
    throw .invalidShape("input 'X' has \(input.columns) features, the trees read \(source.featureCount)")
  }
  // Integers of 64 bits and thresholds of double precision do not fit into float32.
  let feature: ElementType = input.element == .float32 && !source.isDouble ? .float32 : .float64
  let forest = try source.forest(isDouble: feature == .float64, context.control)
  let read = try input.reader(as: feature)
  let scorer = ForestScorer(forest: forest, aggregate: source.aggregate, targets: source.targets, columns: input.columns)

  let treesPerPart = 32
  if input.rows <= 16, forest.trees >= 2 &* treesPerPart {
    let parts = (forest.trees &- 1) / treesPerPart &+ 1
    let rows = input.rows
    let scores = try rows.multiplied(by: source.targets)
    let converted = try input.scratchBytes(rows, as: feature)
    return Kernel(
      stages: [
        .init(tasks: rows == 0 ? 0 : parts) { frame, part in
          let partial = frame.scratch.assumingMemoryBound(to: Double.self) + part &* scores
          let start = part &* treesPerPart
          scorer.start(partial, scores)
          let x = read(frame.rawInput(0), 0..<rows, frame.laneScratch)
          scorer.score(start..<min(start &+ treesPerPart, forest.trees), x, rows, partial)
        },
        .init(tasks: rows == 0 ? 0 : 1) { frame, _ in
          let total = frame.scratch.assumingMemoryBound(to: Double.self)
          for part in 1..<parts { scorer.merge(total + part &* scores, into: total, scores) }
          scorer.end(total, scores)
          finish(frame, 0..<rows, total)
        },
      ], scratchBytes: try parts.multiplied(by: scores).multiplied(by: MemoryLayout<Double>.stride), laneScratchBytes: converted)
  }

  // Few rows where each has many scores.
  let most = max(65_536 / max(source.targets, 1), 1)
  let block = min(min(max(131_072 / max(forest.trees, 1) / 8 &* 8, 8), 64), most)
  let converted = try input.scratchBytes(block, as: feature)
  let scoreBytes = try block.multiplied(by: source.targets).multiplied(by: MemoryLayout<Double>.stride)
  return .ranges(input.rows, grain: block, laneScratchBytes: try converted.adding(scoreBytes)) { frame, rows in
    let scores = (frame.laneScratch + converted).assumingMemoryBound(to: Double.self)
    let count = rows.count &* source.targets
    scorer.start(scores, count)
    scorer.score(0..<forest.trees, read(frame.rawInput(0), rows, frame.laneScratch), rows.count, scores)
    scorer.end(scores, count)
    finish(frame, rows, scores)
  }
}

/// Aggregates the leaves that rows reach.
private struct ForestScorer: Sendable {
  let forest: Forest
  let aggregate: TreeSource.Aggregate
  let targets: Int
  let columns: Int

  private var neutral: Double {
    switch aggregate {
    case .average, .sum: 0
    case .min: .infinity
    case .max: -.infinity
    }
  }

  func start(_ scores: UnsafeMutablePointer<Double>, _ count: Int) { scores.update(repeating: neutral, count: count) }

  func score(_ trees: Range<Int>, _ x: UnsafeRawPointer, _ rows: Int, _ scores: UnsafeMutablePointer<Double>) {
    withUnsafePointer(to: forest.kernel) { kernel in
      if forest.isDouble {
        pk_forest_score_f64(kernel, trees.lowerBound, trees.upperBound, x.assumingMemoryBound(to: Double.self), columns, rows, scores)
      } else {
        pk_forest_score_f32(kernel, trees.lowerBound, trees.upperBound, x.assumingMemoryBound(to: Float.self), columns, rows, scores)
      }
    }
  }

  func merge(_ part: UnsafePointer<Double>, into total: UnsafeMutablePointer<Double>, _ count: Int) {
    for index in 0..<count {
      switch aggregate {
      case .average, .sum: total[index] += part[index]
      case .min: total[index] = min(total[index], part[index])
      case .max: total[index] = max(total[index], part[index])
      }
    }
  }

  /// Makes scores of sums and extremes; a target that no leaf named has 0.
  func end(_ scores: UnsafeMutablePointer<Double>, _ count: Int) {
    switch aggregate {
    case .sum: break
    case .average: for index in 0..<count { scores[index] /= Double(forest.trees) }
    case .min, .max: for index in 0..<count where scores[index] == neutral { scores[index] = 0 }
    }
  }
}

/// Writes transformed scores as the float32 or float64 elements of an output.
func writeScores(
  _ scores: UnsafePointer<Double>, _ count: Int, to output: UnsafeMutableRawPointer, at offset: Int, _ element: ElementType
) {
  if element == .float64 {
    (output.assumingMemoryBound(to: Double.self) + offset).update(from: scores, count: count)
  } else {
    let target = output.assumingMemoryBound(to: Float.self) + offset
    for index in 0..<count { target[index] = Float(scores[index]) }
  }
}
