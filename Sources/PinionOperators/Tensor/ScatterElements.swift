import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The data with the elements that the indices name along the axis replaced by, or reduced with, the updates.
///
/// Where an element is named more than once, the updates apply in the order of the axis.
package struct ScatterElements: ScatterOperator {
  package static let schema = Schema(
    "ScatterElements", since: 18, inputs: ["data: T", "indices: indices", "updates: T"], outputs: ["output: T"], types: ["T": .all])
  let axis: Int64
  let reduction: ScatterReduction

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: 0)
    reduction = try attributes.choice("reduction", default: .none)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    _ = try context.gridAxis(axis)
    let indices = try context.type(1), updates = try context.type(2)
    guard indices.shape == updates.shape else { throw .invalidShape("updates are \(updates), expected the shape of the indices \(indices)") }
    return [try context.type(0)]
  }

  func stage<Index: IndexElement, U: Update>(_: Index.Type, _ update: U, _ context: KernelContext) throws(PinionError) -> Kernel.Stage {
    let data = try context.type(0)
    let grid = AxisGrid(data: data.shape, indices: try context.type(1).shape, axis: try context.inference.gridAxis(axis))
    let width = data.element.byteWidth
    return .ranges(grid.units, grain: grid.grain) { (frame, units) throws(PinionError) in
      let indices = frame.input(1, as: Index.self), updates = frame.rawInput(2), target = frame.rawOutput(0)
      for unit in units {
        try grid.walk(unit, indices) { index, element in
          update.apply(target + element &* width, updates + index &* width, count: 1)
        }
      }
    }
  }
}

/// The name of ScatterElements before opset 11.
package struct Scatter: CPUExecutable {
  package static let schema = Schema(
    "Scatter", since: 11, inputs: ["data: T", "indices: indices", "updates: T"], outputs: ["output: T"], types: ["T": .all])

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    throw .internal("Scatter is to be read as ScatterElements")
  }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.name = ScatterElements.schema.name }
  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { throw context.unsupportedTypes() }
}
