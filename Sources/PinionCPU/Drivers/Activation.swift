import CKernels
import PinionBase
import PinionGraph

/// A function that a matrix product or convolution applies to its result before storing it.
public struct Activation: Sendable {
  public var kind = PK_ACT_NONE
  public var p0: Float = 0
  public var p1: Float = 0

  public static let none = Activation()
  public var isNone: Bool { kind == PK_ACT_NONE }

  /// The names of the `activation` attribute: those of `pk_activation` in lower case, and ONNX's operator names.
  private static let kinds: [String: pk_activation] = [
    "": PK_ACT_NONE, "none": PK_ACT_NONE, "relu": PK_ACT_RELU, "clip": PK_ACT_CLIP, "leaky_relu": PK_ACT_LEAKY_RELU,
    "sigmoid": PK_ACT_SIGMOID, "tanh": PK_ACT_TANH, "silu": PK_ACT_SILU, "hardswish": PK_ACT_HARDSWISH,
    "hardsigmoid": PK_ACT_HARDSIGMOID, "gelu_erf": PK_ACT_GELU_ERF, "gelu_tanh": PK_ACT_GELU_TANH, "Relu": PK_ACT_RELU,
    "Clip": PK_ACT_CLIP, "LeakyRelu": PK_ACT_LEAKY_RELU, "Sigmoid": PK_ACT_SIGMOID, "Tanh": PK_ACT_TANH,
    "HardSigmoid": PK_ACT_HARDSIGMOID, "HardSwish": PK_ACT_HARDSWISH,
  ]

  private init() {}

  /// Reads the attributes `activation` and `activation_params`, absent ones for no activation.
  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    let name = try attributes.string("activation", default: "")
    let parameters = try attributes.floats("activation_params", default: [])
    try self.init(name: name, parameters: parameters)
  }

  public init(name: String, parameters: [Float]) throws(PinionError) {
    guard let kind = Activation.kinds[name] else { throw .unsupported("activation '\(name)'") }
    self.kind = kind
    let defaults: [Float] =
      switch kind {
      case PK_ACT_CLIP: [-.greatestFiniteMagnitude, .greatestFiniteMagnitude]
      case PK_ACT_LEAKY_RELU: [0.01]
      case PK_ACT_SILU: [1]
      case PK_ACT_HARDSIGMOID: [0.2, 0.5]
      default: []
      }
    guard parameters.count <= defaults.count else {
      throw .invalidModel("activation '\(name)' has \(parameters.count) parameters, expected at most \(defaults.count)")
    }
    let all = parameters + defaults.dropFirst(parameters.count)
    p0 = all.first ?? 0
    p1 = all.count > 1 ? all[1] : 0
  }

  /// The kernel epilogue with this activation and nothing else.
  @inline(__always) public var epilogue: pk_epilogue {
    var epilogue = pk_epilogue()
    epilogue.activation = kind
    epilogue.p0 = p0
    epilogue.p1 = p1
    return epilogue
  }
}
