import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The mean of each channel.
public struct GlobalAveragePool: CPUExecutable {
  public static let schema = Schema("GlobalAveragePool", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try GlobalPool.infer(context)] }

  public func facts(_ context: FactContext) -> [Fact] { [GlobalPool.facts(context)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try GlobalPool.makeKernel(.mean(countsPadding: false), context)
  }
}
