import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's UnfoldTensor: all slices of a size along an axis, some steps apart, with the elements of a slice along a new last axis.
package struct UnfoldTensor: CPUExecutable {
  package static let schema = Schema(
    "UnfoldTensor", domain: "com.microsoft", since: 1, inputs: ["input: T"], outputs: ["output: T"], types: ["T": [.numbers, .bool, .string]])
  let axis: Int64
  let size: Int
  let step: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("dim", default: -1)
    size = try attributes.int("size", in: 1...(1 << 46))
    step = try attributes.int("step", default: 1, in: 1...(1 << 46))
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 1)
    let axis = try type.shape.normalized(axis: axis)
    guard type.dims[axis] >= size else { throw .invalidShape("axis \(axis) of \(type) is shorter than a slice of \(size)") }
    var dims = type.dims
    dims[axis] = (dims[axis] &- size) / step &+ 1
    return [TensorType(type.element, try Shape(dims + [size]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    guard let dims = data.dims, let axis = data.position(axis) else { return [Fact(element: data.element)] }
    let slices = data.known(axis).flatMap { $0 >= size ? ($0 - size) / step + 1 : nil }
    return [Fact(data.element, dims[..<axis] + [slices] + dims[(axis + 1)...] + [size])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let axis = try type.shape.normalized(axis: axis)
    var strides = type.shape.strides
    strides.append(strides[axis])
    strides[axis] = try strides[axis].multiplied(by: min(step, type.dims[axis]))
    return moveKernel(try StridedCopy(width: type.element.byteWidth, dims: try context.outputType(0).dims, from: strides))
  }
}
