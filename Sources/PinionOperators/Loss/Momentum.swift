import PinionBase
import PinionGraph

/// A step of gradient descent with momentum, which is the state.
public struct Momentum: TrainingStep {
  enum Mode: String, CaseIterable, Sendable { case standard, nesterov }

  public static let schema = Schema(
    "Momentum", domain: "ai.onnx.preview.training", since: 1, inputs: ["R: float32|float64", "T: int64", "inputs...: float32|float64"],
    outputs: ["outputs...: float32|float64"])
  static var stateCount: Int { 1 }
  let alpha: Double
  let beta: Double
  let norm: Double
  let mode: Mode

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
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
