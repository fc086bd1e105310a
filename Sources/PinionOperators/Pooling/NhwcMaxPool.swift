import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The maximum of each window of a quantised tensor whose channels come last.
package struct NhwcMaxPool: CPUExecutable {
  package static let schema = Schema("NhwcMaxPool", domain: "com.microsoft", since: 1, inputs: ["x: T"], outputs: ["y: T"], types: ["T": .bytes])
  let form: PoolForm

  package init(_ attributes: inout AttributeReader) throws(PinionError) { form = try PoolForm(&attributes) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let x = try context.type(0)
    let window = try form.window(try x.channelsFirst())
    return [TensorType(x.element, try Shape([x.dims[0]] + window.output + [x.dims[x.rank - 1]]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [form.facts(context, isChannelsLast: true)] }

  /// The channels of a position lie together, so that a window's maximum is that of whole vectors.
  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let x = try context.type(0)
    let window = try form.window(try x.channelsFirst())
    if let kernel = kernel(x, window) { return kernel }
    guard let type = x.element.kernelType, let larger = pk_binary_kernel(pk_isa_best(), PK_BINARY_MAX, type) else {
      throw context.unsupportedTypes()
    }
    // Windows over more axes, tap by tap.
    let lowest: UInt8 = x.element == .int8 ? 0x80 : 0
    let channels = x.dims[x.rank - 1], rank = window.rank
    let positions = window.outputCount, inputs = window.inputCount, taps = window.kernelCount
    let grain = max(1, (1 << 18) / max(1, channels) / max(1, min(taps, 1 << 18)))
    let count = channels == 0 ? 0 : x.dims[0] &* positions
    return .ranges(count, grain: grain, laneScratchBytes: 2 &* rank &* MemoryLayout<Int>.stride) { frame, range in
      let corner = frame.laneScratch.assumingMemoryBound(to: Int.self), tap = corner + rank
      for index in range {
        let image = frame.rawInput(0) + index / positions &* inputs &* channels
        let target = frame.rawOutput(0) + index &* channels
        var rest = index % positions
        for axis in (0..<rank).reversed() {
          corner[axis] = rest % window.output[axis] &* window.stride[axis] &- window.padBefore[axis]
          rest /= window.output[axis]
          tap[axis] = 0
        }
        var isFirst = true
        for _ in 0..<taps {
          var offset = 0, isInside = true
          for axis in 0..<rank {
            let place = corner[axis] &+ tap[axis] &* window.dilation[axis]
            isInside = isInside && place >= 0 && place < window.input[axis]
            offset = offset &* window.input[axis] &+ place
          }
          if isInside {
            let source = image + offset &* channels
            if isFirst { target.copyMemory(from: source, byteCount: channels) } else { larger(source, target, target, channels, 0) }
            isFirst = false
          }
          var axis = rank &- 1
          while axis >= 0 {
            tap[axis] &+= 1
            if tap[axis] < window.kernel[axis] { break }
            tap[axis] = 0
            axis &-= 1
          }
        }
        if isFirst { target.initializeMemory(as: UInt8.self, repeating: lowest, count: channels) }
      }
    }
  }

  /// The kernel for windows over up to three axes; nil for others.
  private func kernel(_ x: TensorType, _ window: Window) -> Kernel? {
    guard window.rank <= 3, let type = x.element.kernelType, type == PK_U8 || type == PK_I8 else { return nil }
    let channels = x.dims[x.rank - 1], isa = pk_isa_best(), shape = window.poolShape
    let grain = max(1, (1 << 22) / max(1, channels) / max(1, min(window.kernelCount, 1 << 22)))
    let count = channels == 0 ? 0 : x.dims[0] &* window.outputCount
    return .ranges(count, grain: grain) { frame, range in
      var shape = shape
      _ = pk_pool_max_last(isa, type, &shape, channels, frame.rawInput(0), frame.rawOutput(0), range.lowerBound, range.upperBound)
    }
  }
}
