import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The extents of the input from axis `start` up to `end`, as an int64 vector.
package struct ShapeOperator: CPUExecutable, ShapeReading {
  package static let schema = Schema("Shape", since: 25, inputs: ["data: all"], outputs: ["shape: int64"])
  let start: Int64
  let end: Int64?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    start = try attributes.int("start", default: 0)
    end = try attributes.optionalInt("end")
  }

  package func read(_ input: TensorType) throws(PinionError) -> Tensor {
    try Tensor(vector: input.dims[range(rank: input.rank)].map(Int64.init))
  }

  /// The axes of an input that the operator looks at.
  private func range(rank: Int) -> Range<Int> {
    let rank = Int64(rank)
    func position(_ axis: Int64) -> Int { Int(min(max(axis < 0 ? axis &+ rank : axis, 0), rank)) }
    let first = position(start)
    return first..<max(position(end ?? rank), first)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try read(try context.type(0)).type] }

  package func facts(_ context: FactContext) -> [Fact] {
    guard let dims = context[0].dims else { return [Fact(.int64, [nil])] }
    let range = range(rank: dims.count)
    return [Fact(element: .int64, dims: [range.count], values: dims[range].map { $0.map(Int64.init) })]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let result = try read(try context.type(0))
    return .serial { $0.rawOutput(0).copyMemory(from: result.data, byteCount: result.byteCount) }
  }
}
