import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The distances between all rows of A and all rows of B, or their squares, as skl2onnx writes them for neighbours and Gaussian processes.
package struct CDist: CPUExecutable {
  package static let schema = Schema(
    "CDist", domain: "com.microsoft", since: 1, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": [.float32, .float64]])
  enum Metric: String, CaseIterable {
    case euclidean = "euclidean"
    case squared = "sqeuclidean"
  }
  let metric: Metric

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    metric = try attributes.choice("metric", default: .squared)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let a = try context.type(0)
    let b = try context.type(1)
    guard a.rank == 2, b.rank == 2, a.dims[1] == b.dims[1] else {
      throw .invalidShape("inputs are \(a) and \(b), expected matrices with rows of one length")
    }
    return [TensorType(a.element, try Shape([a.dims[0], b.dims[0]]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(context.element(of: 0..<2), [context[0].extent(0), context[1].extent(0)])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32:
      if let kernel = try panels(context) { return kernel }
      return try kernel(context, Float.self) { pk_square_distance_f32($0, $1, $2) }
    default: return try kernel(context, Double.self, CDist.squaredDistance)
    }
  }

  /// Distances to as many rows of B at once as a panel has columns. Nil where A has too few rows for B to be packed.
  private func panels(_ context: KernelContext) throws(PinionError) -> Kernel? {
    let isa = pk_isa_best(), rows = try context.type(0).dims[0], (count, k) = (try context.type(1).dims[0], try context.type(1).dims[1])
    let constant = context.value(1)
    guard k > 0, count > 0, rows >= (constant == nil ? 8 : 1) else { return nil }
    let bytes = pk_sgemm_packed_b_bytes(isa, k, count)
    guard bytes >= 0, bytes < Int.max / 4 else { throw .outOfMemory(bytes: bytes) }
    let panel = pk_sgemm_panel_cols(isa), takesRoot = metric == .euclidean
    // About four million differences a task, of some panels and as many rows as that leaves.
    let columns = max(1, min((count &- 1) / panel &+ 1, (1 << 20) / k / panel)) &* panel
    let together = max(1, min((1 << 22) / (columns &* k), (rows &- 1) / context.threads &+ 1))
    let columnBlocks = (count &- 1) / columns &+ 1, rowBlocks = rows == 0 ? 0 : (rows &- 1) / together &+ 1
    @Sendable func distances(_ frame: KernelFrame, _ task: Int, _ packed: UnsafePointer<Float>) {
      let row = task / columnBlocks &* together, column = task % columnBlocks &* columns
      let lines = min(together, rows &- row), width = min(columns, count &- column)
      let result = frame.output(0, as: Float.self) + (row &* count &+ column)
      pk_square_distances_f32(isa, lines, width, k, frame.input(0, as: Float.self) + row &* k, k, packed + column &* k, result, count)
      guard takesRoot else { return }
      for line in 0..<lines {
        let start = result + line &* count
        for index in 0..<width { start[index] = start[index].squareRoot() }
      }
    }
    let tasks = try rowBlocks.multiplied(by: columnBlocks)
    if let constant {
      let packed = try context.packed(constant, form: "distances", bytes: bytes) { (elements, target, work) throws(PinionError) in
        let source = elements.assumingMemoryBound(to: Float.self), panels = target.assumingMemoryBound(to: Float.self)
        try work.inPieces(of: columnsOfPiece(panel, depth: k), count) {
          pk_sgemm_pack_b(isa, true, k, count, source, k, $0.lowerBound, $0.upperBound, panels)
        }
      }
      var kernel = Kernel.parallel(tasks: tasks) { frame, task in
        distances(frame, task, UnsafePointer(packed.pointer.assumingMemoryBound(to: Float.self)))
      }
      kernel.unreadInputs = [1]
      return kernel.named("panels")
    }
    let packing = Kernel.Stage.ranges((count &- 1) / panel &+ 1, grain: max(1, (1 << 18) / (k &* panel))) { frame, range in
      pk_sgemm_pack_b(
        isa, true, k, count, frame.input(1), k, range.lowerBound &* panel, min(range.upperBound &* panel, count),
        frame.scratch.assumingMemoryBound(to: Float.self))
    }
    let main = Kernel.Stage(tasks: tasks) { frame, task in distances(frame, task, UnsafePointer(frame.scratch.assumingMemoryBound(to: Float.self))) }
    return Kernel(stages: [packing, main], scratchBytes: bytes).named("panels")
  }

  private func kernel<T: Element & BinaryFloatingPoint>(
    _ context: KernelContext, _: T.Type, _ square: @escaping @Sendable (UnsafePointer<T>, UnsafePointer<T>, Int) -> T
  ) throws(PinionError) -> Kernel {
    let a = try context.type(0)
    let count = try context.type(1).dims[0]
    let (rows, columns) = (a.dims[0], a.dims[1])
    let takesRoot = metric == .euclidean
    let poll = max(1, 1_000_000 / max(columns, 1))
    let pieces = max(1, (count &+ poll &- 1) / poll)
    return .ranges(try rows.multiplied(by: pieces), grain: max(1, 1_000_000 / max(count &* columns, 1))) { frame, range in
      let x = UnsafePointer(frame.input(0, as: T.self))
      let y = UnsafePointer(frame.input(1, as: T.self))
      let result = frame.output(0, as: T.self)
      for index in range {
        let row = index / pieces
        let start = index % pieces &* poll
        for other in start..<max(start, min(start &+ poll, count)) {
          let distance = square(x + row &* columns, y + other &* columns, columns)
          result[row &* count &+ other] = takesRoot ? distance.squareRoot() : distance
        }
      }
    }
  }

  private static func squaredDistance(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double {
    var sum = 0.0
    for index in 0..<count { sum += (a[index] - b[index]) * (a[index] - b[index]) }
    return sum
  }
}
