import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input cropped or padded with zeros to given extents, keeping its centre.
package struct CenterCropPad: CPUExecutable {
  package static let schema = Schema(
    "CenterCropPad", since: 18, inputs: ["input_data: T", "shape: indices"], outputs: ["output_data: T"], types: ["T": .all])
  let axes: [Int64]?

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axes = try attributes.optionalInts("axes") }

  private func margins(_ context: InferenceContext) throws(PinionError) -> [PadMargin] {
    let shape = try context.type(0).shape
    let extents = try context.integers(1)
    let axes = try axes.map { (axes) throws(PinionError) in try shape.normalized(axes: axes) } ?? Array(shape.dims.indices)
    guard extents.count == axes.count else { throw .invalidShape("\(extents.count) extents for \(axes.count) axes of shape \(shape)") }
    var margins = shape.dims.map { PadMargin(extent: $0) }
    for (axis, wanted) in zip(axes, extents) {
      guard wanted >= 0, wanted < 1 << 46 else { throw .invalidShape("extent \(wanted) for axis \(axis)") }
      let added = Int(wanted) &- shape[axis]
      // Both divisions round down: a crop starts, and a pad ends, with the odd element.
      let before = added >= 0 ? added / 2 : -(-added / 2)
      margins[axis] = PadMargin(before: before, after: added &- before, extent: shape[axis])
    }
    return margins
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [TensorType(try context.type(0).element, try Shape(try margins(context).map(\.padded)))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    guard var dims = data.dims, let wanted = context[1].extents else { return [Fact(data.element, data.openDims)] }
    let axes = axes ?? dims.indices.map { Int64($0) }
    for (index, axis) in axes.enumerated() {
      guard index < wanted.count, let position = Fact.position(axis, rank: dims.count) else { return [Fact(data.element, data.openDims)] }
      dims[position] = wanted[index]
    }
    return [Fact(data.element, dims)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try constantPadKernel(try margins(context.inference), filling: .constant(try zeroElement()), context)
  }
}
