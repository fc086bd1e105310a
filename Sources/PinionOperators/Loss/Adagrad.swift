import PinionBase
import PinionGraph

/// A step of the Adagrad optimiser; the state is the accumulated squared gradient.
public struct Adagrad: TrainingStep {
  public static let schema = Schema(
    "Adagrad", domain: "ai.onnx.preview.training", since: 1, inputs: ["R: float32|float64", "T: int64", "inputs...: float32|float64"],
    outputs: ["outputs...: float32|float64"])
  static var stateCount: Int { 1 }
  let decay: Double
  let epsilon: Double
  let norm: Double

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
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
