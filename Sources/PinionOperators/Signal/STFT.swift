import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Fourier transforms of windows that slide over signals: [batch, length] or [batch, length, 1 or 2] to [batch, frames, bins, 2].
package struct STFT: CPUExecutable {
  package static let schema = Schema(
    "STFT", since: 17, inputs: ["signal: T1", "frame_step: indices", "window?: T1", "frame_length?: indices"], outputs: ["output: T1"],
    types: ["T1": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let isOneSided: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) { isOneSided = try attributes.bool("onesided", default: true) }

  /// Numbers for each sample. Exporters leave the last axis out where there is one.
  private static func parts(_ signal: TensorType) -> Int { signal.rank == 2 ? 1 : signal.dims[2] }

  private func form(_ context: InferenceContext) throws(PinionError) -> (step: Int, length: Int, frames: Int, bins: Int) {
    let signal = try context.type(0, rank: 2...3)
    let parts = STFT.parts(signal)
    guard parts == 1 || parts == 2 else { throw .invalidShape("\(signal) has \(parts) numbers for each sample, expected 1 or 2") }
    let step: Int = try context.integer(1).converted()
    guard step > 0 else { throw .invalidValue("frame_step is \(step)") }
    let window = context.optionalType(2)
    if let window, window.rank != 1 { throw .invalidShape("input 'window' is \(window), expected rank 1") }
    let length: Int = context.has(3) ? try context.integer(3).converted() : window?.count ?? signal.dims[1]
    guard length > 0 else { throw .invalidValue("frame_length is \(length)") }
    if let window, window.count != length { throw .invalidShape("the window has \(window.count) points, the frames \(length)") }
    let frames = signal.dims[1] < length ? 0 : (signal.dims[1] &- length) / step &+ 1
    return (step, length, frames, isOneSided ? length / 2 + 1 : length)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let signal = try context.type(0), form = try form(context)
    return [TensorType(signal.element, try Shape([signal.dims[0], form.frames, form.bins, 2]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let signal = context[0], symbols = context.symbols
    var length = signal.extent(1)
    if context.has(3) {
      length = context[3].singleExtent.flatMap { Symbols.isExtent($0) ? $0 : nil }
    } else if context.has(2) {
      length = context[2].extent(0)
    }
    var frames: Int?
    if let step = context[1].single.flatMap({ Int(exactly: $0) }), step > 0, let length, length > 0, length < 1 << 32 {
      // A signal shorter than a frame has none.
      let more = symbols.remainder(signal.extent(1), behind: length - 1)
      frames = symbols.quotient(more, roundedUpBy: step)
    }
    let bins = isOneSided ? symbols.extent(symbols.quotient(length, by: 2), plus: 1) : length
    return [Fact(signal.element, [signal.extent(0), frames, bins, 2])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: return try kernel(Float.self, context)
    case .float64: return try kernel(Double.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: BinaryFloatingPoint & Element>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let signal = try context.type(0)
    let (step, length, frames, bins) = try form(context.inference)
    let samples = signal.dims[1], parts = STFT.parts(signal)
    let total = signal.dims[0] &* frames
    let plan = try FourierPlan(count: length, context)
    let hasWindow = context.has(2)
    let scratch = try (2 as Int).multiplied(by: length).adding(plan.workCount).multiplied(by: 8)
    // Two frames of real samples share one transform, as its real and its imaginary part.
    let isReal = parts == 1
    return .parallel(tasks: isReal ? (total &+ 1) / 2 : total, laneScratchBytes: scratch) { (frame, task) throws(PinionError) in
      var poll = Poll(frame.control)
      let re = frame.laneScratch.assumingMemoryBound(to: Double.self), im = re + length
      let window = frame.input(hasWindow ? 2 : 0, as: T.self)
      func samplesOf(_ index: Int) -> UnsafePointer<T> {
        frame.input(0, as: T.self) + (index / frames &* samples &+ index % frames &* step) &* parts
      }
      let first = isReal ? 2 &* task : task
      let hasSecond = isReal && first &+ 1 < total
      let a = samplesOf(first), b = hasSecond ? samplesOf(first &+ 1) : a
      try poll.count(length)
      for index in 0..<length {
        let weight = hasWindow ? Double(window[index]) : 1
        re[index] = Double(a[index &* parts]) * weight
        im[index] = isReal ? (hasSecond ? Double(b[index]) * weight : 0) : Double(a[index &* 2 &+ 1]) * weight
      }
      try plan.transform(re, im, im + length, &poll)
      let target = frame.output(0, as: T.self) + first &* bins &* 2
      guard isReal else {
        for bin in 0..<bins {
          target[2 &* bin] = T(re[bin])
          target[2 &* bin &+ 1] = T(im[bin])
        }
        return
      }
      for bin in 0..<bins {
        let mirrored = bin == 0 ? 0 : length &- bin
        target[2 &* bin] = T((re[bin] + re[mirrored]) / 2)
        target[2 &* bin &+ 1] = T((im[bin] - im[mirrored]) / 2)
        guard hasSecond else { continue }
        target[2 &* (bins &+ bin)] = T((im[bin] + im[mirrored]) / 2)
        target[2 &* (bins &+ bin) &+ 1] = T((re[mirrored] - re[bin]) / 2)
      }
    }
  }
}
