import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Along a new axis of extent `depth` the value on at the index, off elsewhere; nowhere on for an index out of range.
package struct OneHot: CPUExecutable {
  package static let schema = Schema(
    "OneHot", since: 28, inputs: ["indices: numbers", "depth: numbers", "values: T3"], outputs: ["output: T3"], types: ["T3": .all])
  let axis: Int64

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.int("axis", default: -1) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let indices = try context.type(0), values = try context.type(2)
    guard values.dims == [2] else { throw .invalidShape("values are \(values), expected two elements") }
    let depth = try context.requiredValue(1).wholeNumber()
    guard depth >= 0 else { throw .invalidValue("depth is \(depth)") }
    var dims = indices.dims
    dims.insert(try depth.converted(), at: try indices.shape.normalized(axis: axis, limit: indices.rank &+ 1))
    return [TensorType(values.element, try Shape(dims))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let indices = context[0], element = context[2].element
    guard var dims = indices.dims, let position = Fact.position(axis, rank: dims.count + 1) else { return [Fact(element: element)] }
    dims.insert(context[1].element == .int64 ? context[1].extents.flatMap { $0.count == 1 ? $0[0] : nil } : nil, at: position)
    return [Fact(element, dims)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let indices = try context.type(0), output = try context.outputType(0)
    let axis = try indices.shape.normalized(axis: axis, limit: indices.rank &+ 1)
    let inner = indices.shape.count(axis..<indices.rank), depth = output.dims[axis], width = output.element.byteWidth
    let widen = try conversion(from: indices.element, to: .int64)
    let source = indices.element.byteWidth
    let fill = Kernel.Stage.ranges(output.count, grain: 1 << 16) { frame, range in
      pk_fill(frame.rawOutput(0) + range.lowerBound &* width, frame.rawInput(2), width, range.count)
    }
    let set = Kernel.Stage.ranges(output.count == 0 ? 0 : indices.count, grain: 1 << 14) { frame, range in
      for index in range {
        var position: Int64 = 0
        widen(frame.rawInput(0) + index &* source, &position, 1)
        let counted = position < 0 ? position &+ Int64(depth) : position
        guard counted >= 0, counted < depth else { continue }
        let element = (index / inner &* depth &+ Int(counted)) &* inner &+ index % inner
        copyRun(frame.rawOutput(0) + element &* width, frame.rawInput(2) + width, width)
      }
    }
    return Kernel(stages: [fill, set])
  }
}
