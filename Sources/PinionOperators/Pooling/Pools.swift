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
