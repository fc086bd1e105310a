import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// An optimiser's step: after the learning rate and the update count come the tensors, their gradients and then their states,
/// a group of each; outputs are the new tensors and the new states.
protocol TrainingStep: CPUExecutable {
  /// States of each tensor besides its gradient.
  static var stateCount: Int { get }
  /// Updates one element; `states` are read and written in place.
  func update(_ x: Double, gradient: Double, states: inout (Double, Double), _ step: TrainingMoment) -> Double
}

/// The learning rate and the update count.
struct TrainingMoment {
  let rate: Double
  let count: Int64
}

extension TrainingStep {
  /// The number of tensors that are trained.
  private func tensorCount(_ context: InferenceContext) throws(PinionError) -> Int {
    let groups = 2 + Self.stateCount, operands = context.inputs.count - 2
    guard operands > 0, operands % groups == 0 else {
      throw .invalidModel("\(context.inputs.count) inputs, expected 2 and a multiple of \(groups)")
    }
    return operands / groups
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let tensors = try tensorCount(context)
    guard try context.type(0).count == 1, try context.type(1).count == 1, try context.type(1).element == .int64 else {
      throw .invalidShape("the learning rate is \(try context.type(0)) and the update count \(try context.type(1)), expected scalars")
    }
    for index in 0..<tensors {
      let type = try context.type(2 + index)
      for group in 1...(1 + Self.stateCount) {
        let other = try context.type(2 + group * tensors + index)
        guard other == type else { throw .invalidShape("gradient or state \(other), expected \(type)") }
      }
    }
    var outputs: [TensorType] = []
    for _ in 0...Self.stateCount {
      for index in 0..<tensors { outputs.append(try context.type(2 + index)) }
    }
    return outputs
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let operands = context.inputs.count - 2, tensors = operands / (2 + Self.stateCount)
    guard operands > 0 else { return [] }
    return (0...Self.stateCount).flatMap { _ in (0..<tensors).map { context.like(2 + $0) } }
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let tensors = try tensorCount(context.inference)
    guard context.outputs.count == tensors * (1 + Self.stateCount) else {
      throw .invalidModel("\(context.outputs.count) outputs, expected \(tensors * (1 + Self.stateCount))")
    }
    let rate = try context.type(0).element, isDouble = rate == .float64
    guard isDouble || rate == .float32 else { throw context.unsupportedTypes() }
    var stages: [Kernel.Stage] = []
    for index in 0..<tensors {
      switch try context.type(2 + index).element {
      case .float32: stages.append(stage(try context.type(2 + index).count, index, tensors, isDouble, Float.self))
      case .float64: stages.append(stage(try context.type(2 + index).count, index, tensors, isDouble, Double.self))
      default: throw context.unsupportedTypes()
      }
    }
    return Kernel(stages: stages)
  }

  private func stage<T: RealElement>(_ count: Int, _ index: Int, _ tensors: Int, _ isDouble: Bool, _ type: T.Type) -> Kernel.Stage {
    let first = 2 + index, second = first + 2 * tensors, third = first + 3 * tensors
    let states = Self.stateCount
    return .ranges(count, grain: elementwiseGrain) { frame, range in
      let rate = isDouble ? frame.input(0, as: Double.self)[0] : Double(frame.input(0, as: Float.self)[0])
      let moment = TrainingMoment(rate: rate, count: frame.input(1, as: Int64.self)[0])
      for element in range {
        var state = (Double(frame.input(second, as: T.self)[element]), 0.0)
        if states > 1 { state.1 = Double(frame.input(third, as: T.self)[element]) }
        let x = update(
          Double(frame.input(first, as: T.self)[element]), gradient: Double(frame.input(first + tensors, as: T.self)[element]),
          states: &state, moment)
        frame.output(index, as: T.self)[element] = T(x)
        frame.output(index + tensors, as: T.self)[element] = T(state.0)
        if states > 1 { frame.output(index + 2 * tensors, as: T.self)[element] = T(state.1) }
      }
    }
  }
}
