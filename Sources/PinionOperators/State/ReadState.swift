import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// What a state holds as a tensor without room between its rows; in place where there is nothing between them anyway.
package struct ReadState: CPUExecutable {
  package static let schema = Schema(
    "ReadState", domain: "pinion", since: 1, inputs: ["past: T", "capacity: int64"], outputs: ["tensor: T"], types: ["T": .all])
  let axis: Int64

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.int("axis") }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try context.type(0)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let axis = try type.shape.normalized(axis: axis)
    return Kernel(stages: [
      .readState(
        outer: type.shape.count(0..<axis), rows: type.dims[axis], row: type.shape.count(axis &+ 1..<type.rank) &* type.element.byteWidth,
        capacity: 1, output: 0)
    ])
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    guard let type = context.optionalType(0), let axis = try? type.shape.normalized(axis: axis), type.shape.count(0..<axis) == 1 else {
      return []
    }
    return [.within(input: 0, offset: 0)]
  }
}
