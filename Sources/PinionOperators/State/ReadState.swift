import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// What a state holds as a tensor without room between its rows; in place where there is nothing between them anyway.
///
/// `capacity` is the room for rows, or a `SequenceTable` for rows [batch, heads, rows, ...].
package struct ReadState: CPUExecutable {
  package static let schema = Schema(
    "ReadState", domain: "pinion", since: 1, inputs: ["past: T", "capacity: int64"], outputs: ["tensor: T"], types: ["T": .all])
  let axis: Int64

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.int("axis") }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try context.type(0)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let axis = try type.shape.normalized(axis: axis)
    let outer = type.shape.count(0..<axis), rows = type.dims[axis], row = type.shape.count(axis &+ 1..<type.rank) &* type.element.byteWidth
    guard try context.type(1).rank > 0 else { return Kernel(stages: [.readState(outer: outer, rows: rows, row: row, capacity: 1, output: 0)]) }
    let heads = max(outer / max(type.dims[0], 1), 1)
    return .ranges(outer, grain: max(1, (1 << 17) / max(rows &* row, 1))) { frame, range in
      let table = frame.input(1, as: Int.self)
      for unit in range {
        let target = frame.rawOutput(0) + unit &* rows &* row, used = min(table[SequenceTable.used(unit / heads)], rows)
        target.copyMemory(from: frame.rawInput(0) + unit &* table[0] &* row, byteCount: used &* row)
        (target + used &* row).initializeMemory(as: UInt8.self, repeating: 0, count: (rows &- used) &* row)
      }
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    guard let type = context.optionalType(0), let axis = try? type.shape.normalized(axis: axis), type.shape.count(0..<axis) == 1,
      context.optionalType(1)?.rank == 0
    else { return [] }
    return [.within(input: 0, offset: 0)]
  }
}
