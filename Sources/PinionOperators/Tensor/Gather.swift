import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Slices of the data along an axis, one for each index; a negative index counts from the back.
package struct Gather: CPUExecutable {
  package static let schema = Schema("Gather", since: 13, inputs: ["data: T", "indices: indices"], outputs: ["output: T"], types: ["T": .all])
  let axis: Int64

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.int("axis", default: 0) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let data = try context.type(0, rankAtLeast: 1), indices = try context.type(1)
    let axis = try data.shape.normalized(axis: axis)
    let dims = data.dims[..<axis] + indices.dims + data.dims[(axis &+ 1)...]
    return [TensorType(data.element, try Shape(Array(dims)))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0], indices = context[1]
    guard let dims = data.dims, let axis = data.position(axis), let places = indices.dims else { return [Fact(element: data.element)] }
    return [Fact(element: data.element, dims: dims[..<axis] + places + dims[(axis + 1)...], values: dims.count == 1 ? chosen(data, indices) : nil)]
  }

  private func chosen(_ data: Fact, _ indices: Fact) -> [Int64?]? {
    guard let values = data.values, let places = indices.values else { return nil }
    return places.map { place in
      guard let place, let position = Fact.position(place, rank: values.count) else { return nil }
      return values[position]
    }
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try context.type(1).element == .int64 ? kernel(Int64.self, context) : kernel(Int32.self, context)
  }

  private func kernel<Index: IndexElement>(_: Index.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let data = try context.type(0)
    let axis = try data.shape.normalized(axis: axis)
    let extent = data.dims[axis], count = try context.type(1).count
    let run = data.shape.count(axis &+ 1..<data.rank) &* data.element.byteWidth
    guard run > 0, count > 0 else { return Kernel(stages: []) }
    if axis == data.rank &- 1, count > 1 { return elementKernel(data, count: count, isWide: Index.bitWidth == 64) }
    let rows = data.shape.count(0..<axis) &* count
    return .ranges(rows, grain: max((1 << 16) / run, 1)) { (frame, range) throws(PinionError) in
      let indices = frame.input(1, as: Index.self)
      var outer = range.lowerBound / count, column = range.lowerBound % count
      var target = frame.rawOutput(0) + range.lowerBound &* run
      for _ in range {
        let position = try indices[column].position(in: extent)
        copyRun(target, frame.rawInput(0) + (outer &* extent &+ position) &* run, run)
        target += run
        column &+= 1
        if column == count {
          column = 0
          outer &+= 1
        }
      }
    }
  }

  /// Single elements of each row.
  private func elementKernel(_ data: TensorType, count: Int, isWide: Bool) -> Kernel {
    let extent = data.dims[data.rank &- 1], width = data.element.byteWidth
    // Long rows are cut into pieces.
    let piece = 1 << 16, pieces = (count &- 1) / piece &+ 1
    return .ranges(data.shape.count(0..<(data.rank &- 1)) &* pieces, grain: max((1 << 14) / count, 1)) { (frame, units) throws(PinionError) in
      for unit in units {
        let row = unit / pieces, start = unit % pieces &* piece
        try gatherElements(
          frame.rawInput(0) + row &* extent &* width, frame.rawInput(1) + start &* (isWide ? 8 : 4), isWide: isWide, extent: extent, step: 1,
          drift: 0, width: width, frame.rawOutput(0) + (row &* count &+ start) &* width, min(piece, count &- start))
      }
    }
  }

  /// Neighbouring slices of the outermost axis lie in the data already.
  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    guard let data = try? context.type(0), let axis = try? data.shape.normalized(axis: axis), data.shape.count(0..<axis) == 1,
      let indices = context.value(1), indices.count > 0, let first = try? indices.integer(at: 0).position(in: data.dims[axis])
    else { return [] }
    for offset in 0..<indices.count {
      guard let position = try? indices.integer(at: offset).position(in: data.dims[axis]), position == first &+ offset else { return [] }
    }
    return [.within(input: 0, offset: first &* data.shape.count(axis &+ 1..<data.rank) &* data.element.byteWidth)]
  }
}
