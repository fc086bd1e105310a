import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input with axes of one element where the output has the named axes.
package struct Unsqueeze: CPUExecutable {
  package static let schema = Schema("Unsqueeze", since: 25, inputs: ["data: T", "axes: indices"], outputs: ["expanded: T"], types: ["T": .all])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  /// Before opset 13 the axes were an attribute.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < 13 { try node.moveInts("axes", toInput: 1) }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    let named = try context.integers(1)
    let rank = type.rank &+ named.count
    let axes = try type.shape.normalized(axes: named, limit: rank)
    var rest = type.dims.makeIterator()
    let dims = (0..<rank).map { axes.contains($0) ? 1 : rest.next() ?? 1 }
    return [TensorType(type.element, try Shape(dims))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    guard let dims = data.dims, let axes = context[1].values else { return [Fact(element: data.element)] }
    let rank = dims.count + axes.count
    var isNew = [Bool](repeating: false, count: rank)
    for axis in axes {
      guard let position = axis.flatMap({ Fact.position($0, rank: rank) }), !isNew[position] else {
        return [Fact(data.element, [Int?](repeating: nil, count: rank))]
      }
      isNew[position] = true
    }
    var rest = dims.makeIterator()
    return [Fact(element: data.element, dims: isNew.map { $0 ? 1 : rest.next() ?? nil }, values: data.values)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try copyKernel(context) }
  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.within(input: 0, offset: 0)] }
}

/// com.microsoft's ExpandDims: one new axis, where a number says.
package struct ExpandDims: Operator {
  package static let schema = Schema(
    "ExpandDims", domain: "com.microsoft", since: 1, inputs: ["X: T", "axis: int32"], outputs: ["Y: T"], types: ["T": [.numbers, .bool, .string]])
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { (node.domain, node.name) = ("", "Unsqueeze") }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
