import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The inputs one after another along an axis; all other extents agree.
package struct Concat: CPUExecutable {
  package static let schema = Schema("Concat", since: 13, inputs: ["inputs...: T"], outputs: ["concat_result: T"], types: ["T": .all])
  package let axis: Int64

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.int("axis") }

  /// Before opset 4 the axis was 1 unless given.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < 4, node.attributes["axis"] == nil { node.attributes["axis"] = .int(1) }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let first = try context.type(0)
    let axis = try first.shape.normalized(axis: axis)
    var dims = first.dims
    for index in context.inputs.indices.dropFirst() {
      let type = try context.type(index, rank: first.rank)
      for other in dims.indices where other != axis && type.dims[other] != dims[other] {
        throw .invalidShape("input \(index) is \(type), expected the extents of \(first) except at axis \(axis)")
      }
      dims[axis] = try dims[axis].adding(type.dims[axis])
    }
    return [TensorType(first.element, try Shape(dims))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    var values: [Int64?]? = []
    for index in context.inputs.indices {
      values = context[index].values.flatMap { part in values.map { $0 + part } }
      if (values?.count ?? 0) > Fact.valueLimit { values = nil }
    }
    let indices = context.inputs.indices
    return [Fact(element: context.element(of: indices), dims: context.concatenated(Array(indices), axis: axis), values: values)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let output = try context.outputType(0)
    let axis = try output.shape.normalized(axis: axis)
    let outer = output.shape.count(0..<axis), inner = output.shape.count(axis &+ 1..<output.rank)
    let target = output.dims[axis] &* inner
    var moves: [Move] = []
    var offset = 0
    for index in context.inference.inputs.indices {
      let run = try context.type(index).dims[axis] &* inner
      let copy = StridedCopy(
        width: output.element.byteWidth, [.init(outer, from: run, to: target), .init(run, from: 1, to: 1)], toOffset: offset)
      moves.append(Move(.input(index), copy))
      offset &+= run
    }
    return moveKernel(moves)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    context.inference.inputs.count == 1 ? [.within(input: 0, offset: 0)] : []
  }
}
