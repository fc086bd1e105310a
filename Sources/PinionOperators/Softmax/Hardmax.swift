import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// 1 at the first largest element of each line along an axis, 0 elsewhere.
package struct Hardmax: SoftmaxOperator {
  package static let schema = Schema("Hardmax", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  let along: SoftmaxAxis
  package init(_ attributes: inout AttributeReader) throws(PinionError) { along = try SoftmaxAxis(&attributes) }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let lines = try lines(type.shape)
    switch type.element {
    case .float32: return kernel(lines, Float.self)
    case .float64: return kernel(lines, Double.self)
    default: throw context.unsupportedTypes()
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [] }

  private func kernel<T: RealElement>(_ lines: AxisLines, _ type: T.Type) -> Kernel {
    let extent = lines.extent, inner = lines.inner
    guard extent > 0, inner > 0 else { return Kernel(stages: []) }
    return .ranges(lines.outer &* inner, grain: max(1, 8192 / extent)) { frame, range in
      for line in range {
        let offset = line / inner &* extent &* inner &+ line % inner
        let x = frame.input(0, as: T.self) + offset, y = frame.output(0, as: T.self) + offset
        var best = 0
        for index in 0..<extent {
          if x[index &* inner] > x[best &* inner] { best = index }
          y[index &* inner] = 0
        }
        y[best &* inner] = 1
      }
    }
  }
}
