import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// For each element of the indices the element of the data that has this index along the axis and the same position else.
package struct GatherElements: CPUExecutable {
  package static let schema = Schema("GatherElements", since: 13, inputs: ["data: T", "indices: indices"], outputs: ["output: T"], types: ["T": .all])
  let axis: Int64

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.int("axis", default: 0) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    _ = try context.gridAxis(axis)
    return [TensorType(try context.type(0).element, try context.type(1).shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context[0].element, context[1].dims)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try context.type(1).element == .int64 ? kernel(Int64.self, context) : kernel(Int32.self, context)
  }

  private func kernel<Index: IndexElement>(_: Index.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let data = try context.type(0)
    let grid = AxisGrid(data: data.shape, indices: try context.type(1).shape, axis: try context.inference.gridAxis(axis))
    let width = data.element.byteWidth
    return .ranges(grid.units, grain: grid.grain) { (frame, units) throws(PinionError) in
      let indices = frame.input(1, as: Index.self), source = frame.rawInput(0), target = frame.rawOutput(0)
      for unit in units {
        if grid.isPlain {
          try grid.gather(unit, frame.rawInput(1), isWide: Index.bitWidth == 64, source, width: width, target)
          continue
        }
        try grid.walk(unit, indices) { index, element in copyRun(target + index &* width, source + element &* width, width) }
      }
    }
  }
}
