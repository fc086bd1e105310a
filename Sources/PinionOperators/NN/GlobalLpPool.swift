import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The p-norm of each channel.
public struct GlobalLpPool: CPUExecutable {
  public static let schema = Schema("GlobalLpPool", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  let order: Int

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    order = try attributes.int("p", default: 2, in: 1...(1 << 31))
  }

  public static func adapt(_ node: inout NodeDraft) throws(PinionError) { try node.adaptNormOrder() }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try GlobalPool.infer(context)] }

  public func facts(_ context: FactContext) -> [Fact] { [GlobalPool.facts(context)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try GlobalPool.makeKernel(.norm(p: Double(order)), context)
  }
}
