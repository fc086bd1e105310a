import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// X / (bias + alpha / size * s)^beta, where s sums the squares over `size` neighbouring channels.
package struct LRN: CPUExecutable, LikeFirstInput {
  package static let schema = Schema("LRN", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let size: Int
  let alpha: Float
  let beta: Float
  let bias: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    size = try attributes.int("size", in: 1...Int64(1 << 46))
    alpha = try attributes.float("alpha", default: 0.0001)
    beta = try attributes.float("beta", default: 0.75)
    bias = try attributes.float("bias", default: 1)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try context.type(0, rankAtLeast: 2)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let lines = AxisLines(type.shape, axis: 1)
    switch type.element {
    case .float32: return try kernel(lines, Float.self)
    case .float64: return try kernel(lines, Double.self)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: RealElement>(_ lines: AxisLines, _ type: T.Type) throws(PinionError) -> Kernel {
    let channels = lines.extent, inner = lines.inner
    guard channels > 0, inner > 0 else { return Kernel(stages: []) }
    let logarithm = try T.function(PK_UNARY_LOG), exponential = try T.function(PK_UNARY_EXP)
    let width = min(inner, 1024), blocks = (inner &- 1) / width &+ 1
    let before = (size &- 1) / 2, after = size &- 1 &- before
    let scale = T(alpha) / T(size), beta = T(beta), bias = T(bias)
    let perRow = max(1, width &* min(size, channels))
    return .ranges(
      lines.outer &* channels &* blocks, grain: max(1, 16_384 / perRow), laneScratchBytes: try width.multiplied(by: MemoryLayout<T>.stride)
    ) { frame, range in
      let sums = frame.laneScratch.assumingMemoryBound(to: T.self)
      for task in range {
        let first = task % blocks &* width, count = min(width, inner &- first)
        let channel = task / blocks % channels, instance = task / blocks / channels
        let x = frame.input(0, as: T.self) + (instance &* channels &* inner &+ first)
        let y = frame.output(0, as: T.self) + ((instance &* channels &+ channel) &* inner &+ first)
        for index in 0..<count { sums[index] = 0 }
        for other in max(0, channel &- before)...min(channels &- 1, channel &+ after) {
          let values = x + other &* inner
          for index in 0..<count { sums[index] += values[index] * values[index] }
        }
        for index in 0..<count { sums[index] = bias + scale * sums[index] }
        // A power as exp(-beta * log): the base is positive for the usual, positive parameters.
        logarithm(sums, sums, count, nil)
        for index in 0..<count { sums[index] *= -beta }
        exponential(sums, sums, count, nil)
        let values = x + channel &* inner
        for index in 0..<count { y[index] = values[index] * sums[index] }
      }
    }
  }
}
