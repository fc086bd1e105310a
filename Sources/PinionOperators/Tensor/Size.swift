import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The number of elements, as an int64 scalar.
package struct Size: CPUExecutable, ShapeReading {
  package static let schema = Schema("Size", since: 25, inputs: ["data: all"], outputs: ["size: int64"])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func read(_ input: TensorType) throws(PinionError) -> Tensor { try Tensor(scalar: Int64(input.count)) }
  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    _ = try context.type(0)
    return [TensorType(.int64, .scalar)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(element: .int64, dims: [], values: [context[0].count(context.symbols).map(Int64.init)])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let count = Int64(try context.type(0).count)
    return .serial { $0.output(0, as: Int64.self).pointee = count }
  }
}
