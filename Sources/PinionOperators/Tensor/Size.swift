import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The number of elements, as an int64 scalar.
public struct Size: CPUExecutable, ShapeReading {
  public static let schema = Schema("Size", since: 25, inputs: ["data: all"], outputs: ["size: int64"])
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func read(_ input: TensorType) throws(PinionError) -> Tensor { try Tensor(scalar: Int64(input.count)) }
  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    _ = try context.type(0)
    return [TensorType(.int64, .scalar)]
  }

  public func facts(_ context: FactContext) -> [Fact] {
    [Fact(element: .int64, dims: [], values: [context[0].count(context.symbols).map(Int64.init)])]
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let count = Int64(try context.type(0).count)
    return .serial { $0.output(0, as: Int64.self).pointee = count }
  }
}
