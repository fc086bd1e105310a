import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Slices of the data along an axis, one for each index; a negative index counts from the back.
public struct Gather: CPUExecutable {
  public static let schema = Schema("Gather", since: 13, inputs: ["data", "indices"], outputs: ["output"])
  let axis: Int64

  public init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.int("axis", default: 0) }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let data = try context.type(0, rankAtLeast: 1), indices = try context.requireIndices(1)
    let axis = try data.shape.normalized(axis: axis)
    let dims = data.dims[..<axis] + indices.dims + data.dims[(axis &+ 1)...]
    return [TensorType(data.element, try Shape(Array(dims)))]
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try context.type(1).element == .int64 ? kernel(Int64.self, context) : kernel(Int32.self, context)
  }

  private func kernel<Index: IndexElement>(_: Index.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let data = try context.type(0)
    let axis = try data.shape.normalized(axis: axis)
    let extent = data.dims[axis], count = try context.type(1).count
    let run = data.shape.count(axis &+ 1..<data.rank) &* data.element.byteWidth
    guard run > 0, count > 0 else { return Kernel(stages: []) }
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

  /// Neighbouring slices of the outermost axis lie in the data already.
  public func aliasOffset(output: Int, _ context: KernelContext) -> Int? {
    guard let data = try? context.type(0), let axis = try? data.shape.normalized(axis: axis), data.shape.count(0..<axis) == 1,
      let indices = try? context.value(1)?.integers(), let first = try? indices.first?.position(in: data.dims[axis])
    else { return nil }
    for (offset, index) in indices.enumerated() {
      guard let position = try? index.position(in: data.dims[axis]), position == first &+ offset else { return nil }
    }
    return first &* data.shape.count(axis &+ 1..<data.rank) &* data.element.byteWidth
  }
}
