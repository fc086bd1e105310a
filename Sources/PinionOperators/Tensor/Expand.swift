import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input broadcast against a shape, which may itself be broadcast.
package struct Expand: CPUExecutable {
  package static let schema = Schema("Expand", since: 13, inputs: ["input: T", "shape: indices"], outputs: ["output: T"], types: ["T": .all])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    var dims: [Int] = []
    for extent in try context.integers(1) { dims.append(try extent.converted()) }
    return [TensorType(type.element, try Shape.broadcast([type.shape, try Shape(dims)]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(context[0].element, Fact.broadcast([context[0].dims, context[1].extents], context.symbols))]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0), output = try context.outputType(0)
    let lead = output.rank &- type.rank
    let strides = type.shape.strides
    let from = output.dims.indices.map { $0 < lead || type.dims[$0 &- lead] == 1 ? 0 : strides[$0 &- lead] }
    return moveKernel(try StridedCopy(width: type.element.byteWidth, dims: output.dims, from: from))
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    guard let type = try? context.type(0), let output = try? context.outputType(0) else { return [] }
    return type.count == output.count ? [.within(input: 0, offset: 0)] : []
  }
}
