import Glibc
import PinionBase
import PinionGraph

/// A step of the Adagrad optimiser; the state is the accumulated squared gradient.
package struct Adagrad: TrainingStep {
  package static let schema = Schema(
    "Adagrad", domain: "ai.onnx.preview.training", since: 1, inputs: ["R: float32|float64", "T: int64", "inputs...: float32|float64"],
    outputs: ["outputs...: float32|float64"])
  static var stateCount: Int { 1 }
  let decay: Double
  let epsilon: Double
  let norm: Double

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    decay = Double(try attributes.float("decay_factor", default: 0))
    epsilon = Double(try attributes.float("epsilon", default: 1e-6))
    norm = Double(try attributes.float("norm_coefficient", default: 0))
  }

  func update(_ x: Double, gradient: Double, states: inout (Double, Double), _ step: TrainingMoment) -> Double {
    let slope = norm * x + gradient
    states.0 += slope * slope
    return x - step.rate / (1 + Double(step.count) * decay) * slope / (states.0.squareRoot() + epsilon)
  }
}

/// A step of the Adam optimiser; the states are the averages of gradient and squared gradient.
package struct Adam: TrainingStep {
  package static let schema = Schema(
    "Adam", domain: "ai.onnx.preview.training", since: 1, inputs: ["R: float32|float64", "T: int64", "inputs...: float32|float64"],
    outputs: ["outputs...: float32|float64"])
  static var stateCount: Int { 2 }
  let alpha: Double
  let beta: Double
  let epsilon: Double
  let norm: Double
  let normAfter: Double

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = Double(try attributes.float("alpha", default: 0.9))
    beta = Double(try attributes.float("beta", default: 0.999))
    epsilon = Double(try attributes.float("epsilon", default: 1e-6))
    norm = Double(try attributes.float("norm_coefficient", default: 0))
    normAfter = Double(try attributes.float("norm_coefficient_post", default: 0))
  }

  func update(_ x: Double, gradient: Double, states: inout (Double, Double), _ step: TrainingMoment) -> Double {
    let slope = norm * x + gradient
    states.0 = alpha * states.0 + (1 - alpha) * slope
    states.1 = beta * states.1 + (1 - beta) * slope * slope
    let count = Double(step.count)
    let rate = step.count > 0 ? step.rate * (1 - pow(beta, count)).squareRoot() / (1 - pow(alpha, count)) : step.rate
    return (1 - normAfter) * (x - rate * states.0 / (states.1.squareRoot() + epsilon))
  }
}

/// A step of gradient descent with momentum, which is the state.
package struct Momentum: TrainingStep {
  enum Mode: String, CaseIterable, Sendable { case standard, nesterov }

  package static let schema = Schema(
    "Momentum", domain: "ai.onnx.preview.training", since: 1, inputs: ["R: float32|float64", "T: int64", "inputs...: float32|float64"],
    outputs: ["outputs...: float32|float64"])
  static var stateCount: Int { 1 }
  let alpha: Double
  let beta: Double
  let norm: Double
  let mode: Mode

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = Double(try attributes.float("alpha"))
    beta = Double(try attributes.float("beta"))
    norm = Double(try attributes.float("norm_coefficient"))
    mode = try attributes.choice("mode", default: .standard)
  }

  func update(_ x: Double, gradient: Double, states: inout (Double, Double), _ step: TrainingMoment) -> Double {
    let slope = norm * x + gradient
    states.0 = alpha * states.0 + (step.count > 0 ? beta : 1) * slope
    return x - step.rate * (mode == .nesterov ? slope + alpha * states.0 : states.0)
  }
}
