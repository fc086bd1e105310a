import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// An operator that combines each element along an axis with all before it.
protocol CumulativeOperator: CPUExecutable, LikeFirstInput {
  /// Products instead of sums.
  static var multiplies: Bool { get }
  var isExclusive: Bool { get }
  var isReverse: Bool { get }
}

extension CumulativeOperator {
  public static var computesHalfInFloat32: Bool { true }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try context.type(0, rankAtLeast: 1)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let axis = try type.shape.normalized(axis: try context.inference.integer(1))
    switch (type.element, Self.multiplies) {
    case (.float32, false): return kernel(type.shape, axis, Float(0)) { $0 + $1 }
    case (.float32, true): return kernel(type.shape, axis, Float(1)) { $0 * $1 }
    case (.float64, false): return kernel(type.shape, axis, Double(0)) { $0 + $1 }
    case (.float64, true): return kernel(type.shape, axis, Double(1)) { $0 * $1 }
    case (.int32, false), (.uint32, false): return kernel(type.shape, axis, UInt32(0)) { $0 &+ $1 }
    case (.int32, true), (.uint32, true): return kernel(type.shape, axis, UInt32(1)) { $0 &* $1 }
    case (.int64, false), (.uint64, false): return kernel(type.shape, axis, UInt64(0)) { $0 &+ $1 }
    case (.int64, true), (.uint64, true): return kernel(type.shape, axis, UInt64(1)) { $0 &* $1 }
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: BitwiseCopyable & Sendable>(
    _ shape: Shape, _ axis: Int, _ neutral: T, _ combine: @escaping @Sendable (T, T) -> T
  ) -> Kernel {
    let extent = shape[axis]
    let inner = shape.count((axis + 1)..<shape.rank)
    let lines = shape.count(0..<axis) &* inner
    guard extent > 0 else { return .ranges(0, grain: 1) { _, _ in } }
    let isExclusive = isExclusive
    let first = isReverse ? extent &- 1 : 0
    let step = isReverse ? -inner : inner
    // Neighbouring lines advance together, so that memory is walked in order.
    return .ranges(lines, grain: max(elementwiseGrain / extent, 1)) { frame, range in
      let source = frame.input(0, as: T.self), target = frame.output(0, as: T.self)
      var line = range.lowerBound
      while line < range.upperBound {
        let column = line % inner
        let width = min(inner &- column, range.upperBound &- line)
        let start = line / inner &* extent &* inner &+ column &+ first &* inner
        for index in 0..<width { target[start &+ index] = isExclusive ? neutral : source[start &+ index] }
        var position = start
        for _ in 1..<extent {
          let next = position &+ step
          let addends = source + (isExclusive ? position : next)
          for index in 0..<width { target[next &+ index] = combine(target[position &+ index], addends[index]) }
          position = next
        }
        line &+= width
      }
    }
  }
}
