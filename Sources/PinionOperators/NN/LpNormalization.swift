import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Each line along an axis divided by its norm, 0 where that is 0.
public struct LpNormalization: CPUExecutable {
  public static let schema = Schema("LpNormalization", since: 22, inputs: ["input"], outputs: ["output"])
  public static var computesHalfInFloat32: Bool { true }
  let axis: Int64
  let order: Int

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -1)
    order = try attributes.int("p", default: 2, in: 1...2)
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    _ = try type.shape.normalized(axis: axis)
    return [type]
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let shape = try context.type(0).shape
    let lines = AxisLines(shape, axis: try shape.normalized(axis: axis))
    switch try context.type(0).element {
    case .float32: return kernel(lines, Float.self)
    case .float64: return kernel(lines, Double.self)
    default: throw context.unsupportedTypes()
    }
  }

  public func reusableInputs(_ context: KernelContext) -> [Int] { [0] }

  private func kernel<T: RealElement>(_ lines: AxisLines, _ type: T.Type) -> Kernel {
    let extent = lines.extent, inner = lines.inner, isSum = order == 1
    return .ranges(lines.outer &* inner, grain: max(1, 8192 / max(extent, 1))) { frame, range in
      for line in range {
        let offset = line / inner &* extent &* inner &+ line % inner
        let x = frame.input(0, as: T.self) + offset, y = frame.output(0, as: T.self) + offset
        var total = 0.0
        for index in 0..<extent {
          let value = Double(x[index &* inner])
          total += isSum ? abs(value) : value * value
        }
        let norm = isSum ? total : total.squareRoot()
        for index in 0..<extent { y[index &* inner] = norm == 0 ? 0 : T(Double(x[index &* inner]) / norm) }
      }
    }
  }
}
