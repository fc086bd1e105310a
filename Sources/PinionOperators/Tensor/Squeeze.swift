import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input without the named axes of one element, or without any such axis where none is named.
package struct Squeeze: CPUExecutable {
  package static let schema = Schema("Squeeze", since: 25, inputs: ["data: T", "axes?: indices"], outputs: ["squeezed: T"], types: ["T": .all])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  /// Before opset 13 the axes were an attribute.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < 13 { try node.moveInts("axes", toInput: 1) }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    guard let named = try context.optionalIntegers(1) else {
      return [TensorType(type.element, try Shape(type.dims.filter { $0 != 1 }))]
    }
    let axes = try type.shape.normalized(axes: named)
    for axis in axes where type.dims[axis] != 1 {
      throw .invalidShape("axis \(axis) of \(type) has extent \(type.dims[axis]), expected 1")
    }
    return [TensorType(type.element, try Shape(type.dims.indices.filter { !axes.contains($0) }.map { type.dims[$0] }))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    guard context.has(1) else {
      // Which axes go is known only where all extents are.
      let isClear = data.dims?.allSatisfy { ($0 ?? -1) >= 0 } == true
      return [Fact(element: data.element, dims: isClear ? data.dims?.filter { $0 != 1 } : nil, values: data.values)]
    }
    guard let axes = context[1].values else { return [Fact(element: data.element)] }
    return [Fact(element: data.element, dims: context.reduced(0, axes: axes, keepsAxes: false), values: data.values)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try copyKernel(context) }
  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.within(input: 0, offset: 0)] }
}
