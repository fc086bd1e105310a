import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The mean of each window.
package struct AveragePool: CPUExecutable {
  package static let schema = Schema("AveragePool", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  let form: PoolForm
  let countsPadding: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    form = try PoolForm(&attributes)
    countsPadding = try attributes.bool("count_include_pad")
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try form.infer(context)] }

  package func facts(_ context: FactContext) -> [Fact] { [form.facts(context)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try form.makeKernel(.mean(countsPadding: countsPadding), context)
  }
}

/// The p-norm of each window.
package struct LpPool: CPUExecutable {
  package static let schema = Schema("LpPool", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  let form: PoolForm
  let order: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    form = try PoolForm(&attributes)
    order = try attributes.int("p", default: 2, in: 1...(1 << 31))
  }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { try node.adaptNormOrder() }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try form.infer(context)] }

  package func facts(_ context: FactContext) -> [Fact] { [form.facts(context)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try form.makeKernel(.norm(p: Double(order)), context)
  }
}

/// The mean of each channel.
package struct GlobalAveragePool: CPUExecutable {
  package static let schema = Schema("GlobalAveragePool", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try GlobalPool.infer(context)] }

  package func facts(_ context: FactContext) -> [Fact] { [GlobalPool.facts(context)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try GlobalPool.makeKernel(.mean(countsPadding: false), context)
  }
}

/// The maximum of each channel.
package struct GlobalMaxPool: CPUExecutable {
  package static let schema = Schema("GlobalMaxPool", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try GlobalPool.infer(context)] }

  package func facts(_ context: FactContext) -> [Fact] { [GlobalPool.facts(context)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try GlobalPool.makeKernel(.maximum(columnMajorIndices: false), context)
  }
}

/// The p-norm of each channel.
package struct GlobalLpPool: CPUExecutable {
  package static let schema = Schema("GlobalLpPool", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  let order: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    order = try attributes.int("p", default: 2, in: 1...(1 << 31))
  }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { try node.adaptNormOrder() }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try GlobalPool.infer(context)] }

  package func facts(_ context: FactContext) -> [Fact] { [GlobalPool.facts(context)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try GlobalPool.makeKernel(.norm(p: Double(order)), context)
  }
}
