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
    switch type.element {
    case .float32: return kernel(groups, Float.self)
    case .float64: return kernel(groups, Double.self)
    default: throw context.unsupportedTypes()
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }

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
