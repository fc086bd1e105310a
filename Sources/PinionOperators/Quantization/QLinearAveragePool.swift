import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The mean of each window of a quantised tensor, quantised again.
package struct QLinearAveragePool: CPUExecutable {
  package static let schema = Schema(
    "QLinearAveragePool", domain: "com.microsoft", since: 1,
    inputs: ["X: T", "x_scale: floats", "x_zero_point?: T", "y_scale: floats", "y_zero_point?: T"], outputs: ["Y: T"], types: ["T": .bytes])
  let form: PoolForm
  let countsPadding: Bool
  package let isChannelsLast: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    form = try PoolForm(&attributes)
    countsPadding = try attributes.bool("count_include_pad")
    isChannelsLast = try attributes.bool("channels_last")
  }

  private func pool(_ x: TensorType) throws(PinionError) -> QuantizedMean {
    let mean = try QuantizedMean(x, isChannelsLast: isChannelsLast, countsPadding: countsPadding)
    return try mean.with(window: try form.window(mean.channelsFirst))
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try QuantizedMean.check(context)
    let x = try context.type(0)
    return [TensorType(x.element, try pool(x).result)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [form.facts(context, isChannelsLast: isChannelsLast)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try pool(try context.type(0)).makeKernel(context)
  }
}

/// The mean of each channel of a quantised tensor, quantised again.
package struct QLinearGlobalAveragePool: CPUExecutable {
  package static let schema = Schema(
    "QLinearGlobalAveragePool", domain: "com.microsoft", since: 1,
    inputs: ["X: T", "x_scale: floats", "x_zero_point?: T", "y_scale: floats", "y_zero_point?: T"], outputs: ["Y: T"], types: ["T": .bytes])
  package let isChannelsLast: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) { isChannelsLast = try attributes.bool("channels_last") }

  private func pool(_ x: TensorType) throws(PinionError) -> QuantizedMean {
    let mean = try QuantizedMean(x, isChannelsLast: isChannelsLast, countsPadding: false)
    var window = Window(input: Array(mean.channelsFirst.dims[2...]))
    guard window.inputCount > 0 else { throw .invalidShape("input 'X' is \(x), which has nothing to pool") }
    window.kernel = window.input
    window.output = window.input.map { _ in 1 }
    return try mean.with(window: window)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try QuantizedMean.check(context)
    let x = try context.type(0)
    return [TensorType(x.element, try pool(x).result)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [GlobalPool.facts(context, isChannelsLast: isChannelsLast)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try pool(try context.type(0)).makeKernel(context)
  }
}

/// Means over windows of a tensor of codes, its channels first or last.
struct QuantizedMean: Sendable {
  /// The input's type with its channels moved to the front.
  let channelsFirst: TensorType
  let isChannelsLast: Bool
  let countsPadding: Bool
  private(set) var window: Window
  private(set) var result: Shape

  init(_ x: TensorType, isChannelsLast: Bool, countsPadding: Bool) throws(PinionError) {
    guard (3...5).contains(x.rank) else { throw .unsupported("input 'X' is \(x); 1 to 3 spatial axes are supported") }
    let dims = x.dims
    channelsFirst = isChannelsLast ? TensorType(x.element, try Shape([dims[0], dims[x.rank - 1]] + dims[1..<(x.rank - 1)])) : x
    self.isChannelsLast = isChannelsLast
    self.countsPadding = countsPadding
    window = Window(input: Array(channelsFirst.dims[2...]))
    result = x.shape
  }

  func with(window: Window) throws(PinionError) -> QuantizedMean {
    var other = self
    other.window = window
    let images = channelsFirst.dims[0], channels = channelsFirst.dims[1]
    other.result = try Shape(isChannelsLast ? [images] + window.output + [channels] : [images, channels] + window.output)
    return other
  }

  static func check(_ context: InferenceContext) throws(PinionError) {
    try context.requireSingle([1, 2, 3, 4])
  }

  func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let x = try context.type(0)
    guard let code = x.element.codeKernelType, let range = x.element.codeRange else { throw context.unsupportedTypes() }
    var preparation = Preparation(context)
    let xScale = try preparation.convert(1, to: .float32), yScale = try preparation.convert(3, to: .float32)
    let xZero = try preparation.convertIfPresent(2, to: .int32), yZero = try preparation.convertIfPresent(4, to: .int32)
    let channels = channelsFirst.dims[1]
    let planes = isChannelsLast ? channelsFirst.dims[0] : channelsFirst.dims[0] &* channels
    let inner = isChannelsLast ? channels : 1
    let positions = window.outputCount
    var shape = pk_average_int8()
    shape.in = triple(window.input, 1)
    shape.kernel = triple(window.kernel, 1)
    shape.stride = triple(window.stride, 1)
    shape.pad = triple(window.padBefore, 0)
    shape.pad_end = triple(window.padAfter, 0)
    shape.out = triple(window.output, 1)
    shape.inner = inner
    shape.x_signed = x.element == .int8
    shape.count_pad = countsPadding
    let description = shape
    let inputCount = window.inputCount &* inner, isa = pk_isa_best()
    let step = min(positions, max(1, min(4096, (1 << 22) / max(window.kernelCount, 1)) / max(inner, 1)))
    let blocks = step == 0 ? 0 : (positions &- 1) / step &+ 1
    // Small planes share a task.
    let group = blocks == 1 ? max(1, min(4096 / max(positions &* inner, 1), (1 << 18) / max(inputCount, 1), planes / (context.threads &* 2))) : 1
    let groups = planes == 0 ? 0 : (planes &- 1) / group &+ 1
    let stage = Kernel.Stage(tasks: inner == 0 ? 0 : groups &* blocks) { frame, task in
      let plane = task / blocks &* group, first = task % blocks &* step
      let last = min(first &+ step, positions)
      var shape = description
      shape.x_scale = xScale.pointer(frame, as: Float.self).pointee
      shape.x_zero = xZero?.pointer(frame, as: Int32.self).pointee ?? 0
      let means = frame.laneScratch.assumingMemoryBound(to: Float.self)
      let count = (last &- first) &* inner
      let end = min(plane &+ group, planes)
      for index in plane..<end {
        pk_average_int8_positions(
          isa, &shape, frame.rawInput(0) + index &* inputCount, first, last, means + (index &- plane) &* count)
      }
      var q = pk_quantization()
      q.scale = yScale.pointer(frame)
      q.zero = yZero?.pointer(frame)
      (q.low, q.high) = (range.lowerBound, range.upperBound)
      let target = frame.rawOutput(0) + (plane &* positions &+ first) &* inner
      _ = pk_quantize_f32(isa, code, &q, means, target, (end &- plane) &* count)
    }
    let room = try max(step, 1).multiplied(by: max(inner, 1)).multiplied(by: group).multiplied(by: 4)
    return preparation.kernel([stage], laneScratchBytes: room)
  }
}
