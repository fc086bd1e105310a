import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The normalisation of input + skip + bias over the last axis, which com.microsoft has with and without mean.
struct SkipNormalization: Sendable {
  let normalization: RowNormalization
  let beta: Int?
  let bias: Int?

  /// Outputs: the result, mean and 1 / deviation of each row, and the sum that was normalised.
  func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rank: 2...3), skip = try context.type(1)
    let width = type.dims[type.rank - 1]
    try requireBroadcast(skip, to: type)
    guard skip.dims.last == width, skip.rank > 1 else { throw .invalidShape("skip is \(skip), expected rows of \(width)") }
    for index in [2, beta, bias].compactMap({ $0 }) {
      guard let parameter = context.optionalType(index) else { continue }
      guard parameter.dims == [width] else { throw .invalidShape("input \(index) is \(parameter), expected shape [\(width)]") }
    }
    let statistics = TensorType(.float32, try type.shape.reduced([type.rank - 1], keepsAxes: true))
    return [type, statistics, statistics, type]
  }

  func facts(_ context: FactContext) -> [Fact] {
    let statistics = Fact(.float32, context.reduced(0, axes: [-1], keepsAxes: true))
    return [context.like(0), statistics, statistics, context.like(0)]
  }

  func kernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: return try kernel(context, Float.self)
    case .float64: return try kernel(context, Double.self)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: RealElement>(_ context: KernelContext, _ type: T.Type) throws(PinionError) -> Kernel {
    let shape = try context.type(0).shape
    let width = shape[shape.rank - 1], rows = shape.count(0..<shape.rank - 1)
    // The skip of one sequence may serve the whole batch.
    let skipRows = max(try context.type(1).count / max(width, 1), 1)
    let function = try normalization.function(T.self)
    let beta = beta.flatMap { context.has($0) ? $0 : nil }, bias = bias.flatMap { context.has($0) ? $0 : nil }
    let mean = context.wants(output: 1) ? try RowStore(context, output: 1) : nil
    let factor = context.wants(output: 2) ? try RowStore(context, output: 2) : nil
    let keepsSum = context.wants(output: 3)
    let lane = try width.multiplied(by: MemoryLayout<T>.stride)
    return .ranges(rows, grain: max(1, 16_384 / max(width, 1)), laneScratchBytes: lane) { frame, range in
      for row in range {
        let x = frame.input(0, as: T.self) + row &* width, skip = frame.input(1, as: T.self) + row % skipRows &* width
        let sum = keepsSum ? frame.output(3, as: T.self) + row &* width : frame.laneScratch.assumingMemoryBound(to: T.self)
        if let bias {
          let values = frame.input(bias, as: T.self)
          for index in 0..<width { sum[index] = x[index] + skip[index] + values[index] }
        } else {
          for index in 0..<width { sum[index] = x[index] + skip[index] }
        }
        if mean != nil || factor != nil {
          let found = function.statistics(sum, count: width)
          mean?.store(found.mean, row: row, frame)
          factor?.store(found.factor, row: row, frame)
        }
        function.apply(
          sum, frame.output(0, as: T.self) + row &* width, count: width, scale: frame.input(2), bias: beta.map { frame.input($0) })
      }
    }
  }
}
