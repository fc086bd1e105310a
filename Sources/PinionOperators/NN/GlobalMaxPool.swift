import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The maximum of each channel.
public struct GlobalMaxPool: CPUExecutable {
  public static let schema = Schema("GlobalMaxPool", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try GlobalPool.infer(context)] }

  public func facts(_ context: FactContext) -> [Fact] { [GlobalPool.facts(context)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try GlobalPool.makeKernel(.maximum(columnMajorIndices: false), context)
  }
}
