import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The p-norm of each window.
public struct LpPool: CPUExecutable {
  public static let schema = Schema("LpPool", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  let form: PoolForm
  let order: Int

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    form = try PoolForm(&attributes)
    order = try attributes.int("p", default: 2, in: 1...(1 << 31))
  }

  public static func adapt(_ node: inout NodeDraft) throws(PinionError) { try node.adaptNormOrder() }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try form.infer(context)] }

  public func facts(_ context: FactContext) -> [Fact] { [form.facts(context)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try form.makeKernel(.norm(p: Double(order)), context)
  }
}
