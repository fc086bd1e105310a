import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A convolution of each channel over its present and past: the state holds the end of what came before.
package struct CausalConvWithState: CPUExecutable {
  package static let schema = Schema(
    "CausalConvWithState", since: 27, inputs: ["input: T", "weight: T", "bias?: T", "past_state?: T"], outputs: ["output: T", "present_state: T"],
    types: ["T": [.float32, .float16, .bfloat16]])
  package static var computesHalfInFloat32: Bool { true }
  let activation: Activation

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    switch try attributes.string("activation", default: "none") {
    case "none", "": activation = .none
    case "silu", "swish": activation = try Activation(name: "silu", parameters: [])
    case let other: throw .invalidModel("attribute 'activation' is '\(other)', expected silu, swish or none")
    }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let input = try context.type(0, rank: 3), weight = try context.type(1, rank: 3)
    let channels = input.dims[1]
    guard weight.dims[0] == channels, weight.dims[1] == 1, weight.dims[2] > 0 else {
      throw .invalidShape("input 'weight' is \(weight), expected [\(channels),1,k]")
    }
    if let bias = context.optionalType(2), bias.dims != [channels] {
      throw .invalidShape("input 'bias' is \(bias), expected \(channels) elements")
    }
    let state = TensorType(input.element, try Shape([input.dims[0], channels, weight.dims[2] - 1]))
    if let past = context.optionalType(3), past != state { throw .invalidShape("input 'past_state' is \(past), expected \(state)") }
    return [input, state]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let input = context[0]
    return [
      context.like(0), Fact(input.element, [input.extent(0), input.extent(1), context.symbols.extent(context[1].extent(2), plus: -1)]),
    ]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let input = try context.type(0)
    guard input.element == .float32 else { throw context.unsupportedTypes() }
    let taps = try context.type(1).dims[2], channels = input.dims[1], length = input.dims[2]
    let history = taps &- 1, isa = pk_isa_best()
    let hasBias = context.has(2), hasPast = context.has(3), keepsState = context.wants(output: 1)
    let activation = activation
    let padded = try history.adding(length)
    let rows = input.dims[0] &* channels
    return .ranges(
      rows, grain: max(1, elementwiseGrain / max(length &* taps, 1)), laneScratchBytes: try padded.multiplied(by: 4)
    ) { (frame, range) throws(PinionError) in
      let line = frame.laneScratch.assumingMemoryBound(to: Float.self)
      var poll = Poll(frame.control)
      for row in range {
        let channel = row % channels
        if hasPast {
          line.update(from: frame.input(3, as: Float.self) + row &* history, count: history)
        } else {
          line.update(repeating: 0, count: history)
        }
        (line + history).update(from: frame.input(0, as: Float.self) + row &* length, count: length)
        let target = frame.output(0, as: Float.self) + row &* length
        target.update(repeating: hasBias ? frame.input(2, as: Float.self)[channel] : 0, count: length)
        let weights = frame.input(1, as: Float.self) + channel &* taps
        // Few elements for all taps, and then the next few.
        for start in stride(from: 0, to: length, by: 1 << 12) {
          let end = min(start &+ 1 << 12, length)
          for tap in 0..<taps {
            let weight = weights[tap], source = line + tap
            try poll.count(1 &+ (end &- start) / 8)
            for index in start..<end { target[index] += weight * source[index] }
          }
        }
        if activation.kind != PK_ACT_NONE {
          pk_activate_f32(isa, activation.kind, activation.p0, activation.p1, length, target, target)
        }
        if keepsState { (frame.output(1, as: Float.self) + row &* history).update(from: line + length, count: history) }
      }
    }
  }
}

/// ONNX Runtime's operator of the same name, for one axis.
package struct MicrosoftCausalConvWithState: Operator {
  package static let schema = Schema(
    "CausalConvWithState", domain: "com.microsoft", since: 1, inputs: ["input: T", "weight: T", "bias?: T", "past_state?: T"],
    outputs: ["output: T", "present_state: T"], types: ["T": [.float32, .float16, .bfloat16]])

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    node.domain = ""
    for (name, value) in [("ndim", 1), ("dilation", 1), ("channels_last", 0)] where node.attributes[name] == .int(Int64(value)) {
      node.attributes[name] = nil
    }
  }

  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try CausalConvWithState(&attributes) }
}
