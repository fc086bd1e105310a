import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The axes in another order: axis i of the output is axis perm[i] of the input; reversed where there is no perm.
package struct Transpose: CPUExecutable {
  package static let schema = Schema("Transpose", since: 25, inputs: ["data: T"], outputs: ["transposed: T"], types: ["T": .all])
  package let permutation: [Int64]?

  package init(_ attributes: inout AttributeReader) throws(PinionError) { permutation = try attributes.optionalInts("perm") }

  /// For each axis of the output the input's.
  func axes(of shape: Shape) throws(PinionError) -> [Int] {
    guard let permutation else { return shape.dims.indices.reversed() }
    guard permutation.count == shape.rank else {
      throw .invalidShape("perm has \(permutation.count) elements, the input has shape \(shape)")
    }
    return try shape.normalized(axes: permutation)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    return [TensorType(type.element, try Shape(try axes(of: type.shape).map { type.dims[$0] }))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    guard let permutation else { return [Fact(data.element, data.dims?.reversed())] }
    return [Fact(data.element, permutation.map { axis in Fact.position(axis, rank: permutation.count).flatMap { data.extent($0) } })]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let axes = try axes(of: type.shape)
    let strides = type.shape.strides
    return moveKernel(
      try StridedCopy(width: type.element.byteWidth, dims: axes.map { type.dims[$0] }, from: axes.map { strides[$0] }))
  }

  /// Where only axes of one element change places, nothing moves.
  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    guard let type = try? context.type(0), let axes = try? axes(of: type.shape) else { return [] }
    let moved = axes.filter { type.dims[$0] != 1 }
    return type.count == 0 || moved == moved.sorted() ? [.within(input: 0, offset: 0)] : []
  }
}
