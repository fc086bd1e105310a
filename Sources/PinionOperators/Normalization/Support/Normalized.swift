import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Mean and variance of `count` elements, in two passes so that a large mean costs no digits.
@inline(__always)
func meanAndVariance<T: RealElement>(_ x: UnsafePointer<T>, count: Int) -> (mean: Double, variance: Double) {
  guard count > 0 else { return (0, 0) }
  var a = 0.0, b = 0.0, index = 0
  while index &+ 2 <= count {
    a += Double(x[index])
    b += Double(x[index &+ 1])
    index &+= 2
  }
  if index < count { a += Double(x[index]) }
  let mean = (a + b) / Double(count)
  return (mean, meanSquare(x, count: count, around: mean))
}

/// The mean of (x - center)^2.
@inline(__always)
func meanSquare<T: RealElement>(_ x: UnsafePointer<T>, count: Int, around center: Double) -> Double {
  guard count > 0 else { return 0 }
  var a = 0.0, b = 0.0, index = 0
  while index &+ 2 <= count {
    let d = Double(x[index]) - center, e = Double(x[index &+ 1]) - center
    a += d * d
    b += e * e
    index &+= 2
  }
  if index < count {
    let d = Double(x[index]) - center
    a += d * d
  }
  return (a + b) / Double(count)
}

/// What brings a row of elements to mean 0 and variance 1, or to mean square 1 alone.
struct RowNormalization: Sendable {
  let epsilon: Double
  let centers: Bool

  func function<T: RealElement>(_ type: T.Type) throws(PinionError) -> RowFunction<T> {
    guard let layer = pk_layer_norm_kernel(pk_isa_best(), T.kernelType), let rms = pk_rms_norm_kernel(pk_isa_best(), T.kernelType) else {
      throw .internal("no normalisation of \(T.elementType)")
    }
    return RowFunction(normalization: self, layer: layer, rms: rms)
  }
}

/// The normalisation of rows of one element type.
struct RowFunction<T: RealElement>: Sendable {
  let normalization: RowNormalization
  fileprivate let layer: pk_layer_norm_fn
  fileprivate let rms: pk_rms_norm_fn

  /// y = (x - mean) / sqrt(variance + epsilon) * scale + bias for one row, where y may be x.
  @inline(__always)
  func apply(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, count: Int, scale: UnsafePointer<T>?, bias: UnsafePointer<T>?
  ) {
    if normalization.centers {
      layer(x, scale, bias, y, nil, nil, 1, count, normalization.epsilon)
    } else {
      rms(x, scale, y, 1, count, normalization.epsilon)
    }
  }

  /// The row's mean (0 where it is not taken off) and the factor by which the elements are multiplied.
  func statistics(_ x: UnsafePointer<T>, count: Int) -> (mean: Double, factor: Double) {
    let (mean, variance) = normalization.centers ? meanAndVariance(x, count: count) : (0, meanSquare(x, count: count, around: 0))
    return (mean, 1 / (variance + normalization.epsilon).squareRoot())
  }
}

/// Rows of a tensor to be normalised, with their scale and bias.
struct NormalizedRows: Sendable {
  let normalization: RowNormalization
  let rows: Int
  let extent: Int
  /// Where scale and bias are among the inputs, and whether both are one row, alike for all rows.
  let scale: Int?
  let bias: Int?
  let isRowwise: Bool

  init(_ context: KernelContext, normalization: RowNormalization, axis: Int, scale: Int?, bias: Int?) throws(PinionError) {
    let shape = try context.type(0).shape
    self.normalization = normalization
    rows = shape.count(0..<axis)
    extent = shape.count(axis..<shape.rank)
    self.scale = scale
    self.bias = bias
    let rowDims = Array(shape.dims[axis...].drop { $0 == 1 })
    var isRowwise = true
    for case let index? in [scale, bias] {
      let dims = try context.type(index).dims.drop { $0 == 1 }
      if Array(dims) != rowDims { isRowwise = false }
    }
    self.isRowwise = isRowwise
  }

  /// - Parameters:
  ///   - mean: the output that takes each row's mean.
  ///   - factor: the output that takes each row's factor.
  func kernel<T: RealElement>(_ context: KernelContext, _ type: T.Type, mean: Int?, factor: Int?) throws(PinionError) -> Kernel {
    let function = try normalization.function(T.self), extent = extent
    let storeMean = try mean.map { index throws(PinionError) in try RowStore(context, output: index) }
    let storeFactor = try factor.map { index throws(PinionError) in try RowStore(context, output: index) }
    let scale = isRowwise ? scale : nil, bias = isRowwise ? bias : nil
    var kernel = Kernel.ranges(rows, grain: max(1, 16_384 / max(extent, 1))) { frame, range in
      for row in range {
        let x = frame.input(0, as: T.self) + row &* extent
        if storeMean != nil || storeFactor != nil {
          let found = function.statistics(x, count: extent)
          storeMean?.store(found.mean, row: row, frame)
          storeFactor?.store(found.factor, row: row, frame)
        }
        function.apply(
          x, frame.output(0, as: T.self) + row &* extent, count: extent, scale: scale.map { frame.input($0) },
          bias: bias.map { frame.input($0) })
      }
    }
    if !isRowwise { kernel.stages.append(try broadcastStage(context, T.self)) }
    return kernel
  }

  /// y = y * scale + bias for a scale or bias that differs between rows or is shared within them.
  private func broadcastStage<T: RealElement>(_ context: KernelContext, _ type: T.Type) throws(PinionError) -> Kernel.Stage {
    let shape = try context.type(0).shape
    var shapes: [Shape] = []
    for case let index? in [scale, bias] { shapes.append(try context.type(index).shape) }
    let broadcast = Broadcast(shapes + [shape], to: shape)
    let scale = scale, bias = bias
    let biasOperand = scale == nil ? 0 : 1
    let count = broadcast.rowCount
    let scaleWalks = scale != nil && broadcast.walks[0], biasWalks = bias != nil && broadcast.walks[biasOperand]
    return .ranges(broadcast.rows, grain: max(1, 16_384 / max(count, 1))) { frame, range in
      for row in range {
        let y = frame.output(0, as: T.self) + row &* count
        if let scale {
          let factors = frame.input(scale, as: T.self) + broadcast.offset(operand: 0, row: row)
          for index in 0..<count { y[index] *= factors[scaleWalks ? index : 0] }
        }
        if let bias {
          let shifts = frame.input(bias, as: T.self) + broadcast.offset(operand: biasOperand, row: row)
          for index in 0..<count { y[index] += shifts[biasWalks ? index : 0] }
        }
      }
    }
  }
}

/// Writes one number for each row, in the element type of the output.
struct RowStore: Sendable {
  let output: Int
  let isDouble: Bool

  init(_ context: KernelContext, output: Int) throws(PinionError) {
    self.output = output
    let element = try context.outputType(output).element
    guard element == .float32 || element == .float64 else { throw .unsupported("no kernel for an output of \(element)") }
    isDouble = element == .float64
  }

  @inline(__always)
  func store(_ value: Double, row: Int, _ frame: KernelFrame) {
    if isDouble { frame.output(output, as: Double.self)[row] = value } else { frame.output(output, as: Float.self)[row] = Float(value) }
  }
}

extension FactContext {
  /// The extents of what is computed once for each row of input 0, whose elements lie along `axis` and those behind it.
  func statistics(from axis: Int64) -> [Int?]? {
    guard let rank = self[0].rank, let axis = self[0].position(axis) else { return self[0].openDims }
    return reduced(0, axes: (axis..<rank).map { Int64($0) }, keepsAxes: true)
  }
}
