import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The maximum of each window, and where in the input it was found.
package struct MaxPool: CPUExecutable {
  package static let schema = Schema("MaxPool", since: 22, inputs: ["X: T"], outputs: ["Y: T", "Indices?: int64"], types: ["T": [.floats, .bytes]])
  let form: PoolForm
  /// Positions within a plane count down its columns.
  let isColumnMajor: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    form = try PoolForm(&attributes)
    isColumnMajor = try attributes.int("storage_order", default: 0, in: 0...1) == 1
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let result = try form.infer(context)
    return [result, TensorType(.int64, result.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let result = form.facts(context)
    return [result, Fact(.int64, result.dims)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try form.makeKernel(.maximum(columnMajorIndices: isColumnMajor), context)
  }
}
