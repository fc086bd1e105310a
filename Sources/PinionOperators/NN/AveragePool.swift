import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The mean of each window.
public struct AveragePool: CPUExecutable {
  public static let schema = Schema("AveragePool", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  let form: PoolForm
  let countsPadding: Bool

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    form = try PoolForm(&attributes)
    countsPadding = try attributes.bool("count_include_pad")
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try form.infer(context)] }

  public func facts(_ context: FactContext) -> [Fact] { [form.facts(context)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try form.makeKernel(.mean(countsPadding: countsPadding), context)
  }
}
