import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Along each named axis the elements from start up to, not including, end, every step-th; a negative step walks backwards.
public struct Slice: CPUExecutable {
  public static let schema = Schema(
    "Slice", since: 13, inputs: ["data: T", "starts: indices", "ends: indices", "axes?: indices", "steps?: indices"], outputs: ["output: T"],
    types: ["T": .all])

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  /// Before opset 10 the positions were attributes.
  public static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 10 else { return }
    try node.moveInts("starts", toInput: 1)
    try node.moveInts("ends", toInput: 2)
    try node.moveInts("axes", toInput: 3)
  }

  /// What is taken of an axis.
  private struct Window {
    var start = 0
    var count: Int
    var step = 1
  }

  private func windows(_ context: InferenceContext) throws(PinionError) -> [Window] {
    let shape = try context.type(0).shape
    let starts = try context.integers(1), ends = try context.integers(2)
    let steps = try context.optionalIntegers(4) ?? [Int64](repeating: 1, count: starts.count)
    let named = try context.optionalIntegers(3)
    guard starts.count <= shape.rank || named != nil else { throw .invalidShape("\(starts.count) starts for shape \(shape)") }
    let axes = try named.map { (axes) throws(PinionError) in try shape.normalized(axes: axes) } ?? Array(starts.indices)
    guard ends.count == starts.count, axes.count == starts.count, steps.count == starts.count else {
      throw .invalidShape(
        "\(starts.count) starts, \(ends.count) ends, \(axes.count) axes and \(steps.count) steps, expected one of each per axis")
    }
    var windows = shape.dims.map { Window(count: $0) }
    for (index, axis) in axes.enumerated() {
      windows[axis] = try window(starts[index], ends[index], steps[index], extent: Int64(shape[axis]))
    }
    return windows
  }

  private func window(_ start: Int64, _ end: Int64, _ step: Int64, extent: Int64) throws(PinionError) -> Window {
    guard step != 0 else { throw .invalidValue("a step of Slice is 0") }
    func clamped(_ position: Int64, _ range: ClosedRange<Int64>) -> Int64 {
      let counted = position < 0 ? position &+ extent : position
      return min(max(counted, range.lowerBound), range.upperBound)
    }
    guard extent > 0 else { return Window(count: 0) }
    if step > 0 {
      let first = clamped(start, 0...extent), last = clamped(end, 0...extent)
      guard first < last else { return Window(count: 0) }
      let count = (last &- first &- 1) / step &+ 1
      return Window(start: Int(first), count: Int(count), step: count == 1 ? 1 : Int(step))
    }
    let first = clamped(start, 0...extent &- 1), last = clamped(end, -1...extent &- 1)
    guard first > last else { return Window(count: 0) }
    let stride = step == .min ? Int64.max : -step
    let count = (first &- last &- 1) / stride &+ 1
    return Window(start: Int(first), count: Int(count), step: count == 1 ? 1 : Int(step))
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    return [TensorType(type.element, try Shape(try windows(context).map(\.count)))]
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let windows = try windows(context.inference)
    let strides = type.shape.strides
    let offset = zip(windows, strides).reduce(0) { $0 &+ $1.0.start &* $1.1 }
    return moveKernel(
      try StridedCopy(
        width: type.element.byteWidth, dims: windows.map(\.count), from: zip(windows, strides).map { $0.step &* $1 },
        fromOffset: offset))
  }

  /// A slice that is one run of the input's memory stays there.
  public func aliasOffset(output: Int, _ context: KernelContext) -> Int? {
    guard let type = try? context.type(0), let windows = try? windows(context.inference) else { return nil }
    guard windows.allSatisfy({ $0.count > 0 }) else { return 0 }
    var offset = 0
    var isInside = false
    for (axis, window) in windows.enumerated() {
      offset &+= window.start &* type.shape.strides[axis]
      if isInside {
        guard window.count == type.dims[axis], window.step == 1 else { return nil }
      } else if window.count != 1 {
        guard window.step == 1 else { return nil }
        isInside = true
      }
    }
    return offset &* type.element.byteWidth
  }
}
