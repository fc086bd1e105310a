import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// (X - mean) / (standard deviation + 1e-9), both over the axes in `axes`.
package struct MeanVarianceNormalization: CPUExecutable, LikeFirstInput {
  package static let schema = Schema("MeanVarianceNormalization", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let axes: [Int64]

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axes = try attributes.ints("axes", default: [0, 2, 3])
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    _ = try type.shape.normalized(axes: axes)
    return [type]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let groups = AxisGroups(type.shape, axes: try type.shape.normalized(axes: axes))
    if groups.reducesRows, groups.row >= 16, let element = type.element.kernelType, let kernel = rowsKernel(groups, element, type.element.byteWidth) {
      return kernel
    }
    switch type.element {
    case .float32: return kernel(groups, Float.self)
    case .float64: return kernel(groups, Double.self)
    default: throw context.unsupportedTypes()
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }

  /// Groups of runs that are worth a call each.
  private func rowsKernel(_ groups: AxisGroups, _ element: pk_type, _ width: Int) -> Kernel? {
    let isa = pk_isa_best()
    guard groups.size > 0, element == PK_F32 || element == PK_F64, let sum = pk_reduce_kernel(isa, PK_REDUCE_SUM, element),
      let squares = pk_reduce_kernel(isa, PK_REDUCE_SUM_SQUARE, element), let affine = pk_unary_kernel(isa, PK_UNARY_AFFINE, element)
    else { return nil }
    let run = groups.row, rows = groups.size / run, isSingle = element == PK_F32
    @Sendable func total(_ function: pk_reduce_fn, _ x: UnsafeRawPointer) -> Double {
      if isSingle {
        var part: Float = 0
        function(x, &part, 1, run, 1, 1)
        return Double(part)
      }
      var part = 0.0
      function(x, &part, 1, run, 1, 1)
      return part
    }
    return .ranges(groups.count, grain: max(1, 8192 / groups.size)) { (frame, range) throws(PinionError) in
      var poll = Poll(frame.control)
      for group in range {
        let base = groups.base(group) &* width
        let x = frame.rawInput(0) + base, y = frame.rawOutput(0) + base
        var mean = 0.0, rest = 0.0, square = 0.0
        for row in 0..<rows {
          mean += total(sum, x + groups.rowOffset(row) &* width)
          try poll.count(run / 16 &+ 1)
        }
        // Differences from about the mean first, so that a large one costs no digits; what is left of it is found among them.
        var parameters = pk_params()
        parameters.d = (1, -mean / Double(groups.size), 0, 0)
        for row in 0..<rows {
          let offset = groups.rowOffset(row) &* width
          affine(x + offset, y + offset, run, &parameters)
          rest += total(sum, y + offset)
          square += total(squares, y + offset)
          try poll.count(run / 4 &+ 1)
        }
        rest /= Double(groups.size)
        // NaN stays.
        let variance = square / Double(groups.size) - rest * rest
        let factor = 1 / ((variance < 0 ? 0 : variance).squareRoot() + 1e-9)
        parameters.d = (factor, -rest * factor, 0, 0)
        for row in 0..<rows {
          let offset = groups.rowOffset(row) &* width
          affine(y + offset, y + offset, run, &parameters)
          try poll.count(run / 16 &+ 1)
        }
      }
    }
  }

  private func kernel<T: RealElement>(_ groups: AxisGroups, _ type: T.Type) -> Kernel {
    guard groups.size > 0 else { return Kernel(stages: []) }
    let run = groups.reducesRows ? groups.row : 1
    let columns = groups.reducesRows ? 1 : groups.row
    let rows = groups.size / run
    return .ranges(groups.count, grain: max(1, 8192 / groups.size)) { frame, range in
      for group in range {
        let base = groups.base(group / columns) &+ group % columns
        let x = frame.input(0, as: T.self) + base, y = frame.output(0, as: T.self) + base
        var sum = 0.0, squares = 0.0
        for row in 0..<rows {
          let values = x + groups.rowOffset(row)
          for index in 0..<run { sum += Double(values[index]) }
        }
        let mean = sum / Double(groups.size)
        for row in 0..<rows {
          let values = x + groups.rowOffset(row)
          for index in 0..<run {
            let distance = Double(values[index]) - mean
            squares += distance * distance
          }
        }
        let deviation = (squares / Double(groups.size)).squareRoot() + 1e-9
        for row in 0..<rows {
          let offset = groups.rowOffset(row)
          for index in 0..<run { y[offset &+ index] = T((Double(x[offset &+ index]) - mean) / deviation) }
        }
      }
    }
  }
}
