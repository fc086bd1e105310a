import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph

/// exp(x) / sum(exp(x)) along an axis.
package struct Softmax: SoftmaxOperator {
  package static let schema = Schema("Softmax", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  package let along: SoftmaxAxis
  package init(_ attributes: inout AttributeReader) throws(PinionError) { along = try SoftmaxAxis(&attributes) }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try softmaxKernel(context, try lines(try context.type(0).shape), logarithm: false)
  }
}

/// log(exp(x) / sum(exp(x))) along an axis.
package struct LogSoftmax: SoftmaxOperator {
  package static let schema = Schema("LogSoftmax", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  let along: SoftmaxAxis
  package init(_ attributes: inout AttributeReader) throws(PinionError) { along = try SoftmaxAxis(&attributes) }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try softmaxKernel(context, try lines(try context.type(0).shape), logarithm: true)
  }
}
