import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph

/// exp(x) / sum(exp(x)) along an axis.
public struct Softmax: SoftmaxOperator {
  public static let schema = Schema("Softmax", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  package let along: SoftmaxAxis
  public init(_ attributes: inout AttributeReader) throws(PinionError) { along = try SoftmaxAxis(&attributes) }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try softmaxKernel(context, try lines(try context.type(0).shape), logarithm: false)
  }
}

/// log(exp(x) / sum(exp(x))) along an axis.
public struct LogSoftmax: SoftmaxOperator {
  public static let schema = Schema("LogSoftmax", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  let along: SoftmaxAxis
  public init(_ attributes: inout AttributeReader) throws(PinionError) { along = try SoftmaxAxis(&attributes) }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try softmaxKernel(context, try lines(try context.type(0).shape), logarithm: true)
  }
}
