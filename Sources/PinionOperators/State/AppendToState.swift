import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A Concat of two along an axis that writes the second behind the first, where a state holds room for it.
///
/// `past` has `capacity` rows for each step along the axes before; the rows of its type are in use and stay as they are. `whole` is a copy
/// of all rows for those who read them as a tensor.
package struct AppendToState: CPUExecutable, StateAppending {
  package static let schema = Schema(
    "AppendToState", domain: "pinion", since: 1, inputs: ["past: T", "new: T", "capacity: int64"], outputs: ["whole?: T"],
    types: ["T": .all])
  let axis: Int64

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.int("axis") }

  package var appends: [(past: Int, capacity: Int, whole: Int)] { [(0, 2, 0)] }

  package func rows(appendedTo past: Int, _ context: InferenceContext) -> (more: Int, written: Int) {
    guard let new = context.optionalType(1), let axis = try? new.shape.normalized(axis: axis) else { return (0, 0) }
    return (new.dims[axis], new.dims[axis])
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let past = try context.type(0), new = try context.type(1, rank: past.rank)
    let axis = try past.shape.normalized(axis: axis)
    var dims = past.dims
    for other in dims.indices where other != axis && new.dims[other] != dims[other] {
      throw .invalidShape("input 1 is \(new), expected the extents of \(past) except at axis \(axis)")
    }
    dims[axis] = try dims[axis].adding(new.dims[axis])
    return [TensorType(past.element, try Shape(dims))]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let past = try context.type(0), new = try context.type(1)
    let axis = try past.shape.normalized(axis: axis)
    let outer = new.shape.count(0..<axis), row = new.shape.count(axis &+ 1..<new.rank) &* new.element.byteWidth
    let pastRows = past.dims[axis], rows = new.dims[axis], total = try pastRows.adding(rows)
    let append = Kernel.Stage.ranges(outer, grain: max(1, (1 << 17) / max(rows &* row, 1))) { (frame, range) throws(PinionError) in
      let capacity = frame.input(2, as: Int.self)[0]
      guard capacity >= total else { throw .internal("a state has room for \(capacity) rows, expected \(total)") }
      let target = UnsafeMutableRawPointer(mutating: frame.rawInput(0)), source = frame.rawInput(1)
      for unit in range {
        (target + (unit &* capacity &+ pastRows) &* row).copyMemory(from: source + unit &* rows &* row, byteCount: rows &* row)
      }
    }
    guard context.wants(output: 0) else { return Kernel(stages: [append]) }
    return Kernel(stages: [append, .readState(outer: outer, rows: total, row: row, capacity: 2, output: 0)])
  }
}

extension Kernel.Stage {
  /// Copies the rows in use of an input that lies in a state to an output without room between them.
  /// - Parameters:
  ///   - row: bytes of a row.
  ///   - capacity: the input with the number of rows that there is room for.
  static func readState(outer: Int, rows: Int, row: Int, of past: Int = 0, capacity: Int, output: Int) -> Kernel.Stage {
    .ranges(outer, grain: max(1, (1 << 17) / max(rows &* row, 1))) { frame, range in
      let room = frame.input(capacity, as: Int.self)[0]
      let source = frame.rawInput(past), target = frame.rawOutput(output)
      for unit in range { (target + unit &* rows &* row).copyMemory(from: source + unit &* room &* row, byteCount: rows &* row) }
    }
  }
}
