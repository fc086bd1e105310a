import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// exp(x) / sum(exp(x)) along an axis of a quantised tensor, quantised again.
package struct QLinearSoftmax: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "QLinearSoftmax", domain: "com.microsoft", since: 1,
    inputs: ["X: T", "X_scale: float32", "x_zero_point?: T", "y_scale: float32", "y_zero_point: T"], outputs: ["Y: T"], types: ["T": .bytes])
  let along: SoftmaxAxis

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    // The opset of the Softmax that it stands for; before 13 a line ran over all axes from `axis` on.
    let opset = try attributes.int("opset", in: 1...Int64(Int32.max))
    along = SoftmaxAxis(axis: try attributes.int("axis", default: -1), takesAllFollowing: opset < 13)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    for index in 1...4 { try context.checkScalar(index) }
    for index in [1, 3, 4] { _ = try context.type(index) }
    _ = try along.lines(type.shape)
    return [type]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .uint8: try kernel(UInt8.self, context)
    case .int8: try kernel(Int8.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  /// What counts is how far a code lies below the greatest of its line: 0 to 255, for which the powers are found first.
  private func kernel<T: FixedWidthInteger & Element>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let lines = try along.lines(try context.type(0).shape)
    let extent = lines.extent, inner = lines.inner
    let tabulate = Kernel.Stage(tasks: 1) { frame, _ in
      let scale = frame.input(1, as: Float.self).pointee
      let powers = frame.scratch.assumingMemoryBound(to: Float.self)
      for distance in 0..<256 { powers[distance] = exp(-Float(distance) * scale) }
    }
    let count = extent == 0 ? 0 : lines.outer &* inner
    let apply = Kernel.Stage.ranges(count, grain: max(1, elementwiseGrain / max(extent, 1))) { frame, range in
      let powers = frame.scratch.assumingMemoryBound(to: Float.self)
      let codes = frame.laneScratch.assumingMemoryBound(to: T.self)
      let scale = frame.input(3, as: Float.self).pointee
      let quantize = Quantization<T>(zeroPoint: Float(frame.input(4, as: T.self).pointee))
      for line in range {
        let start = line / inner &* extent &* inner &+ line % inner
        let x = frame.input(0, as: T.self) + start, y = frame.output(0, as: T.self) + start
        var greatest = x.pointee
        for index in 0..<extent { greatest = max(greatest, x[index &* inner]) }
        @inline(__always) func distance(_ index: Int) -> Int { Int(greatest) &- Int(x[index &* inner]) }
        var sum = 0.0
        for index in 0..<extent { sum += Double(powers[distance(index)]) }
        let divisor = Float(sum) * scale
        if extent >= 256 {
          for distance in 0..<256 { codes[distance] = quantize(powers[distance] / divisor) }
          for index in 0..<extent { y[index &* inner] = codes[distance(index)] }
        } else {
          for index in 0..<extent { y[index &* inner] = quantize(powers[distance(index)] / divisor) }
        }
      }
    }
    return Kernel(stages: [tabulate, apply], scratchBytes: 1024, laneScratchBytes: 256)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}
