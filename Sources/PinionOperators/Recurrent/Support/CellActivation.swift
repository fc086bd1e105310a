import CKernels
import PinionBase
import PinionGraph

/// A function on the gates of a recurrent cell, as vector operations one after the other.
struct CellActivation: Sendable {
  let operations: [(operation: pk_unary_op, parameters: pk_params)]

  /// - Parameters:
  ///   - alphas, betas: what is left of the operator's parameters, of which the function takes those it has.
  init(_ name: String, alphas: inout ArraySlice<Float>, betas: inout ArraySlice<Float>) throws(PinionError) {
    func alpha(_ value: Float) -> Double { Double(alphas.popFirst() ?? value) }
    func beta(_ value: Float) -> Double { Double(betas.popFirst() ?? value) }
    switch name.lowercased() {
    case "relu": operations = [(PK_UNARY_RELU, pk_params())]
    case "tanh": operations = [(PK_UNARY_TANH, pk_params())]
    case "sigmoid": operations = [(PK_UNARY_SIGMOID, pk_params())]
    case "softsign": operations = [(PK_UNARY_SOFTSIGN, pk_params())]
    case "softplus": operations = [(PK_UNARY_SOFTPLUS, pk_params())]
    case "affine": operations = [(PK_UNARY_AFFINE, pk_params(alpha(1), beta(0)))]
    case "leakyrelu": operations = [(PK_UNARY_LEAKY_RELU, pk_params(alpha(0.01)))]
    case "thresholdedrelu": operations = [(PK_UNARY_THRESHOLDED_RELU, pk_params(alpha(1)))]
    case "elu": operations = [(PK_UNARY_ELU, pk_params(alpha(1)))]
    case "hardsigmoid": operations = [(PK_UNARY_HARD_SIGMOID, pk_params(alpha(0.2), beta(0.5)))]
    case "scaledtanh":
      let scale = alpha(1)
      operations = [
        (PK_UNARY_AFFINE, pk_params(beta(1), 0)), (PK_UNARY_TANH, pk_params()), (PK_UNARY_AFFINE, pk_params(scale, 0)),
      ]
    default: throw .invalidModel("unknown activation function '\(name)'")
    }
  }
}

/// The function for one element type.
struct GateFunction<T: RealElement>: Sendable {
  private let operations: [(function: pk_unary_fn, parameters: pk_params)]
  private let clip: T?

  /// - Parameter clip: bounds the argument.
  init(_ activation: CellActivation, clip: Float?) throws(PinionError) {
    var operations: [(function: pk_unary_fn, parameters: pk_params)] = []
    for step in activation.operations { operations.append((try T.function(step.operation), step.parameters)) }
    self.operations = operations
    self.clip = clip.map { T($0) }
  }

  func apply(_ x: UnsafeMutablePointer<T>, count: Int) {
    if let clip { for index in 0..<count { x[index] = min(max(x[index], -clip), clip) } }
    for step in operations { withUnsafePointer(to: step.parameters) { step.function(x, x, count, $0) } }
  }
}

/// What LSTM, GRU and RNN have in common.
struct RecurrentAttributes: Sendable {
  enum Direction: String, CaseIterable, Sendable { case forward, reverse, bidirectional }

  let direction: Direction
  let hiddenSize: Int64?
  /// For each direction its functions, in the operator's order.
  let activations: [[CellActivation]]
  let clip: Float?
  /// Batch before steps in the input and in all outputs.
  let isBatchFirst: Bool

  var directions: Int { direction == .bidirectional ? 2 : 1 }

  init(_ attributes: inout AttributeReader, defaultActivations: [String]) throws(PinionError) {
    direction = try attributes.choice("direction", default: .forward)
    hiddenSize = try attributes.optionalInt("hidden_size")
    clip = try attributes.optionalFloat("clip")
    isBatchFirst = try attributes.int("layout", default: 0, in: 0...1) == 1
    // Version 1 told with it whether anybody reads Y.
    attributes.ignore("output_sequence")
    let count = direction == .bidirectional ? 2 : 1
    let names = try attributes.optionalStrings("activations") ?? [[String]](repeating: defaultActivations, count: count).flatMap { $0 }
    guard names.count == defaultActivations.count * count else {
      throw .invalidModel("\(names.count) activations, expected \(defaultActivations.count * count)")
    }
    var alphas = (try attributes.optionalFloats("activation_alpha") ?? [])[...]
    var betas = (try attributes.optionalFloats("activation_beta") ?? [])[...]
    var activations: [[CellActivation]] = []
    for index in 0..<count {
      var functions: [CellActivation] = []
      for name in names[(index * defaultActivations.count)...].prefix(defaultActivations.count) {
        functions.append(try CellActivation(name, alphas: &alphas, betas: &betas))
      }
      activations.append(functions)
    }
    self.activations = activations
  }
}
