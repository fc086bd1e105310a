import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The data with the slices that vectors of indices name replaced by, or reduced with, the updates, in the order of the vectors.
package struct ScatterND: ScatterOperator {
  package static let schema = Schema(
    "ScatterND", since: 18, inputs: ["data: T", "indices: indices", "updates: T"], outputs: ["output: T"], types: ["T": .all])
  let reduction: ScatterReduction

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    reduction = try attributes.choice("reduction", default: .none)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let data = try context.type(0), indices = try context.type(1), updates = try context.type(2)
    let tuples = try IndexTuples(data: data.shape, indices: indices.shape, batchAxes: 0)
    let expected = try Shape(indices.dims.dropLast() + data.dims.dropFirst(tuples.depth))
    guard updates.shape == expected else { throw .invalidShape("updates are \(updates), expected the shape \(expected)") }
    return [data]
  }

  /// Each task takes some columns of the slices through all vectors, so that the order at each element is that of the vectors.
  func stage<Index: IndexElement, U: Update>(_: Index.Type, _ update: U, _ context: KernelContext) throws(PinionError) -> Kernel.Stage {
    let data = try context.type(0)
    let tuples = try IndexTuples(data: data.shape, indices: try context.type(1).shape, batchAxes: 0)
    let width = data.element.byteWidth, run = tuples.run
    let grain = max(run / max(min(tuples.count &* run >> 14, 16), 1), 64)
    return .ranges(tuples.count == 0 ? 0 : run, grain: grain) { (frame, columns) throws(PinionError) in
      let indices = frame.input(1, as: Index.self)
      let target = frame.rawOutput(0) + columns.lowerBound &* width
      let updates = frame.rawInput(2) + columns.lowerBound &* width
      for tuple in 0..<tuples.count {
        if tuple & 0xffff == 0xffff { try frame.control.check() }
        let element = try tuples.element(tuple, indices)
        update.apply(target + element &* width, updates + tuple &* run &* width, count: columns.count)
      }
    }
  }
}
