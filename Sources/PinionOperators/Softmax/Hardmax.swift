import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// 1 at the first largest element of each line along an axis, NaN being the largest, 0 elsewhere.
package struct Hardmax: SoftmaxOperator {
  package static let schema = Schema("Hardmax", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  let along: SoftmaxAxis
  package init(_ attributes: inout AttributeReader) throws(PinionError) { along = try SoftmaxAxis(&attributes) }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let lines = try lines(type.shape)
    switch type.element {
    case .float32: return try kernel(lines, Float.self, context)
    case .float64: return try kernel(lines, Double.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [] }

  private func kernel<T: RealElement>(_ lines: AxisLines, _ type: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let extent = lines.extent, inner = lines.inner
    guard extent > 0, inner > 0 else { return Kernel(stages: []) }
    guard let place = pk_arg_max_kernel(pk_isa_best(), T.kernelType) else { throw context.unsupportedTypes() }
    // Lines side by side, or one after the other, are looked through together.
    let columns = min(inner, 256), blocks = (inner &- 1) / columns &+ 1
    let grain = min(max(1, 8192 / (extent &* columns)), 512)
    return .ranges(lines.outer &* blocks, grain: grain, laneScratchBytes: 512 * 8) { frame, range in
      let places = frame.laneScratch.bindMemory(to: Int64.self, capacity: 512)
      let x = frame.input(0, as: T.self), y = frame.output(0, as: T.self)
      if inner == 1 {
        let start = range.lowerBound &* extent, count = range.count
        place(x + start, places, count, extent, 1, 1, false)
        UnsafeMutableRawPointer(y + start).initializeMemory(as: UInt8.self, repeating: 0, count: count &* extent &* MemoryLayout<T>.stride)
        for line in 0..<count { y[start &+ line &* extent &+ Int(places[line])] = 1 }
        return
      }
      for task in range {
        let first = task % blocks &* columns, width = min(columns, inner &- first)
        let start = task / blocks &* extent &* inner &+ first
        place(x + start, places, 1, extent, width, inner, false)
        for index in 0..<extent { (y + start + index &* inner).update(repeating: 0, count: width) }
        for column in 0..<width { y[start &+ column &+ Int(places[column]) &* inner] = 1 }
      }
    }
  }
}
