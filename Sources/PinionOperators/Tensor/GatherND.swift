import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// For each vector of indices the slice of the data that it names, within the same batch where there are batch axes.
package struct GatherND: CPUExecutable {
  package static let schema = Schema("GatherND", since: 13, inputs: ["data: T", "indices: indices"], outputs: ["output: T"], types: ["T": .all])
  let batchAxes: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    batchAxes = try attributes.int("batch_dims", default: 0, in: 0...64)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let data = try context.type(0), indices = try context.type(1)
    let tuples = try IndexTuples(data: data.shape, indices: indices.shape, batchAxes: batchAxes)
    return [TensorType(data.element, try Shape(indices.dims.dropLast() + data.dims.dropFirst(batchAxes &+ tuples.depth)))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0], indices = context[1]
    guard let dims = data.dims, let places = indices.dims, let depth = indices.known(-1), batchAxes >= 0,
      depth <= dims.count, batchAxes <= dims.count &- depth
    else { return [Fact(element: data.element)] }
    return [Fact(data.element, places.dropLast() + dims.dropFirst(batchAxes &+ depth))]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try context.type(1).element == .int64 ? kernel(Int64.self, context) : kernel(Int32.self, context)
  }

  private func kernel<Index: IndexElement>(_: Index.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let data = try context.type(0)
    let tuples = try IndexTuples(data: data.shape, indices: try context.type(1).shape, batchAxes: batchAxes)
    let width = data.element.byteWidth, run = tuples.run &* width
    guard run > 0 else { return Kernel(stages: []) }
    return .ranges(tuples.count, grain: max((1 << 16) / run, 1)) { (frame, range) throws(PinionError) in
      let indices = frame.input(1, as: Index.self)
      for tuple in range {
        let element = try tuples.element(tuple, indices)
        copyRun(frame.rawOutput(0) + tuple &* run, frame.rawInput(0) + element &* width, run)
      }
    }
  }
}

/// com.microsoft's GatherND, which became ONNX's.
package struct MicrosoftGatherND: Operator {
  package static let schema = Schema(
    "GatherND", domain: "com.microsoft", since: 1, inputs: ["data: T", "indices: indices"], outputs: ["output: T"],
    types: ["T": [.numbers, .bool, .string]])
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.domain = "" }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
