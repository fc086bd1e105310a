import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// (X - mean) / sqrt(variance + epsilon) * scale + B for each channel, with given statistics or, in training mode, with those
/// of the batch.
///
/// In training mode output 1 and 2 are the given statistics moved towards the batch's; 3 and 4 (before opset 14) the batch's.
package struct BatchNormalization: CPUExecutable {
  package static let schema = Schema(
    "BatchNormalization", since: 15, inputs: ["X: T", "scale: T1", "B: T1", "input_mean: T2", "input_var: T2"],
    outputs: ["Y: T", "running_mean?: T2", "running_var?: T2", "saved_mean?: T2", "saved_var?: T2"],
    types: ["T": .floats, "T1": .floats, "T2": .floats], mixing: ["T1", "T2"])
  package static var computesHalfInFloat32: Bool { true }
  package let epsilon: Float
  let momentum: Float
  package let isTraining: Bool
  /// False where each position of each channel has statistics of its own, as before opset 9.
  package let isSpatial: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    epsilon = try attributes.float("epsilon", default: 1e-5)
    momentum = try attributes.float("momentum", default: 0.9)
    isTraining = try attributes.bool("training_mode")
    isSpatial = try attributes.bool("spatial", default: true)
  }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 14 else { return }
    node.attributes["consumed_inputs"] = nil
    node.attributes["is_test"] = nil
    // What the older forms have instead of the attribute: extra outputs.
    node.attributes["training_mode"] = .int((1...4).contains { node.has(output: $0) } ? 1 : 0)
  }

  private func lines(_ shape: Shape) throws(PinionError) -> AxisLines {
    guard shape.rank > 1 else { return AxisLines(outer: shape.count, extent: 1, inner: 1) }
    guard isSpatial else { return AxisLines(outer: shape[0], extent: shape.count(1..<shape.rank), inner: 1) }
    return AxisLines(shape, axis: 1)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 1)
    let channels = try lines(type.shape).extent
    for index in 1...4 {
      let parameter = try context.type(index)
      guard parameter.count == channels else {
        throw .invalidShape("input '\(Self.schema.inputName(index))' is \(parameter), expected \(channels) elements for X \(type)")
      }
    }
    let mean = try context.type(3), variance = try context.type(4)
    return [type, mean, variance, mean, variance]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [context.like(0), context.like(3), context.like(4), context.like(3), context.like(4)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try context.inference.requireSameElementType([0, 1, 2, 3, 4])
    switch try context.type(0).element {
    case .float32: return try kernel(context, Float.self)
    case .float64: return try kernel(context, Double.self)
    default: throw context.unsupportedTypes()
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }

  private func kernel<T: RealElement>(_ context: KernelContext, _ type: T.Type) throws(PinionError) -> Kernel {
    let shape = try context.type(0).shape, allLines = try lines(shape)
    // Without elements the statistics are those of none, however many instances there are.
    let lines = AxisLines(outer: shape.count == 0 ? 0 : allLines.outer, extent: allLines.extent, inner: allLines.inner)
    let channels = lines.extent, inner = lines.inner, epsilon = Double(epsilon)
    let outer = inner == 0 ? 0 : lines.outer, outputs = context.outputs.count
    let statistics: Kernel.Stage
    if isTraining {
      statistics = trainingStage(context, lines, T.self)
    } else {
      statistics = .ranges(channels, grain: 4096) { frame, range in
        let factors = frame.scratch.assumingMemoryBound(to: T.self), shifts = factors + channels, centers = shifts + channels
        let scale = frame.input(1, as: T.self), bias = frame.input(2, as: T.self)
        let mean = frame.input(3, as: T.self), variance = frame.input(4, as: T.self)
        for channel in range {
          factors[channel] = T(Double(scale[channel]) / (Double(variance[channel]) + epsilon).squareRoot())
          shifts[channel] = bias[channel]
          centers[channel] = mean[channel]
          // What a step of training would have changed stays as it is.
          for index in 1..<max(outputs, 1) { frame.output(index, as: T.self)[channel] = (index % 2 == 1 ? mean : variance)[channel] }
        }
      }
    }
    guard let affine = pk_channel_affine_kernel(pk_isa_best(), T.kernelType) else { throw context.unsupportedTypes() }
    // Tasks are some instances, or some channels of one where an instance is large.
    let part = inner &* channels <= 32_768 ? channels : min(channels, max(1, 32_768 / max(inner, 1)))
    let parts = channels == 0 ? 0 : (channels &- 1) / part &+ 1
    let apply = Kernel.Stage.ranges(outer &* parts, grain: max(1, 16_384 / max(part &* inner, 1))) { frame, range in
      let factors = frame.scratch.assumingMemoryBound(to: T.self), shifts = factors + channels, centers = shifts + channels
      for task in range {
        let first = task % parts &* part, offset = (task / parts &* channels &+ first) &* inner
        affine(
          frame.input(0, as: T.self) + offset, centers + first, factors + first, shifts + first, frame.output(0, as: T.self) + offset, 1,
          min(part, channels &- first), inner)
      }
    }
    return Kernel(stages: [statistics, apply], scratchBytes: try channels.multiplied(by: 3 &* MemoryLayout<T>.stride))
  }

  private func trainingStage<T: RealElement>(_ context: KernelContext, _ lines: AxisLines, _ type: T.Type) -> Kernel.Stage {
    let channels = lines.extent, inner = lines.inner, outer = inner == 0 ? 0 : lines.outer
    let epsilon = Double(epsilon), momentum = Double(momentum)
    let outputs = context.outputs.count
    return .ranges(channels, grain: max(1, 16_384 / max(1, inner &* outer))) { frame, range in
      let factors = frame.scratch.assumingMemoryBound(to: T.self), shifts = factors + channels, centers = shifts + channels
      for channel in range {
        let x = frame.input(0, as: T.self) + channel &* inner
        var sum = 0.0, squares = 0.0
        for block in 0..<outer {
          for index in 0..<inner { sum += Double(x[block &* channels &* inner &+ index]) }
        }
        let count = Double(max(inner &* outer, 1)), mean = sum / count
        for block in 0..<outer {
          for index in 0..<inner {
            let distance = Double(x[block &* channels &* inner &+ index]) - mean
            squares += distance * distance
          }
        }
        let variance = squares / count
        let factor = Double(frame.input(1, as: T.self)[channel]) / (variance + epsilon).squareRoot()
        factors[channel] = T(factor)
        // What rounding the mean leaves is taken off in the end.
        centers[channel] = T(mean)
        shifts[channel] = T(Double(frame.input(2, as: T.self)[channel]) + (Double(centers[channel]) - mean) * factor)
        if outputs > 1 {
          frame.output(1, as: T.self)[channel] = T(Double(frame.input(3, as: T.self)[channel]) * momentum + mean * (1 - momentum))
        }
        if outputs > 2 {
          frame.output(2, as: T.self)[channel] = T(Double(frame.input(4, as: T.self)[channel]) * momentum + variance * (1 - momentum))
        }
        if outputs > 3 { frame.output(3, as: T.self)[channel] = T(mean) }
        if outputs > 4 { frame.output(4, as: T.self)[channel] = T(variance) }
      }
    }
  }
}
