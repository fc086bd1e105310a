import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Along each named axis the elements from start up to, not including, end, every step-th; a negative step walks backwards.
package struct Slice: CPUExecutable {
  package static let schema = Schema(
    "Slice", since: 13, inputs: ["data: T", "starts: indices", "ends: indices", "axes?: indices", "steps?: indices"], outputs: ["output: T"],
    types: ["T": .all])

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  /// Before opset 10 the positions were attributes.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
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
      windows[axis] = try Slice.window(starts[index], ends[index], steps[index], extent: Int64(shape[axis]))
    }
    return windows
  }

  private static func window(_ start: Int64, _ end: Int64, _ step: Int64, extent: Int64) throws(PinionError) -> Window {
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

  /// What is known of the cut along an axis.
  private struct Cut {
    let axis: Int
    let start: Int?
    let end: Int?
    let step: Int?

    /// The numbers of the cut, where all are known.
    private var numbers: (start: Int64, end: Int64, step: Int64)? {
      guard let start, let end, let step, ![start, end, step].contains(where: Symbols.isSymbol) else { return nil }
      return (Int64(start), Int64(end), Int64(step))
    }

    func taken(from values: [Int64?]) -> [Int64?]? {
      guard let (start, end, step) = numbers, let window = try? Slice.window(start, end, step, extent: Int64(values.count)) else {
        return nil
      }
      return (0..<window.count).map { values[window.start &+ $0 &* window.step] }
    }

    /// How many elements of an axis are left.
    func count(of extent: Int?, _ symbols: Symbols) -> Int? {
      if let extent, extent >= 0, let (start, end, step) = numbers {
        return (try? Slice.window(start, end, step, extent: Int64(extent)))?.count
      }
      guard let start, let end, let step, !Symbols.isSymbol(step) else { return nil }
      // No extent is as large, no position beyond the front as small.
      let limit = 1 << 46
      if step == -1, start == -1 || start >= limit, end <= -limit, !Symbols.isSymbol(end) { return extent }
      guard step > 0 else { return nil }
      let kept: Int?
      if Symbols.isExtent(end) {
        kept = end >= limit ? extent : symbols.minimum(extent, end)
      } else {
        kept = end <= -limit ? 0 : symbols.remainder(extent, behind: -end)
      }
      if Symbols.isExtent(start) { return symbols.quotient(symbols.remainder(kept, behind: start), roundedUpBy: step) }
      // So many from the back.
      return end >= limit && start > -limit ? symbols.quotient(symbols.minimum(extent, -start), roundedUpBy: step) : nil
    }
  }

  /// The cuts; nil where it is not known along which axes they are.
  private func cuts(_ context: FactContext, rank: Int) -> [Cut]? {
    guard let count = context[1].values?.count ?? context[2].values?.count else { return nil }
    guard let axes = context.has(3) ? context[3].values : (0..<Int64(count)).map({ $0 }), axes.count == count else { return nil }
    func number(_ input: Int, _ index: Int) -> Int? {
      context[input].values.flatMap { index < $0.count ? $0[index].map { Int($0) } : nil }
    }
    var cuts: [Cut] = []
    for index in 0..<count {
      guard let axis = axes[index], let position = Fact.position(axis, rank: rank) else { return nil }
      cuts.append(Cut(axis: position, start: number(1, index), end: number(2, index), step: context.has(4) ? number(4, index) : 1))
    }
    return cuts
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    return [TensorType(type.element, try Shape(try windows(context).map(\.count)))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    guard let dims = data.dims else { return [Fact(element: data.element)] }
    guard let cuts = cuts(context, rank: dims.count) else { return [Fact(data.element, data.openDims)] }
    var result = Fact(data.element, dims)
    for cut in cuts { result.dims?[cut.axis] = cut.count(of: dims[cut.axis], context.symbols) }
    if let values = data.values, let cut = cuts.first { result.values = cut.taken(from: values) } else { result.values = data.values }
    return [result]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
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
  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    guard let type = try? context.type(0), let windows = try? windows(context.inference) else { return [] }
    guard windows.allSatisfy({ $0.count > 0 }) else { return [.within(input: 0, offset: 0)] }
    var offset = 0
    var isInside = false
    for (axis, window) in windows.enumerated() {
      offset &+= window.start &* type.shape.strides[axis]
      if isInside {
        guard window.count == type.dims[axis], window.step == 1 else { return [] }
      } else if window.count != 1 {
        guard window.step == 1 else { return [] }
        isInside = true
      }
    }
    return [.within(input: 0, offset: offset &* type.element.byteWidth)]
  }
}
