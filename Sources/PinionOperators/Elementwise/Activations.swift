import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// max(x, 0), elementwise.
package struct Relu: UnaryOperator {
  package static let schema = Schema("Relu", since: 14, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": [.signedIntegers, .floats]])
  var function: pk_unary_op { PK_UNARY_RELU }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// x for x >= 0, alpha * x below, elementwise.
package struct LeakyRelu: UnaryOperator {
  package static let schema = Schema("LeakyRelu", since: 16, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_LEAKY_RELU }
  package let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 0.01)
  }
}

/// x from 0 on, slope * x below, elementwise; the slope is broadcast to X.
package struct PRelu: BinaryOperator {
  package static let schema = Schema("PRelu", since: 16, inputs: ["X: T", "slope: T"], outputs: ["Y: T"], types: ["T": .numbers])
  var function: pk_binary_op { PK_BINARY_PRELU }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  /// Before opset 7 the slopes were those of the channels, axis 1.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 7 else { return }
    node.attributes["consumed_inputs"] = nil
    AlignAxes.align(&node, at: 1)
  }

  private func shapes(_ context: InferenceContext) throws(PinionError) -> [Shape] {
    let x = try context.type(0).shape, slope = try context.type(1).shape
    return slope.count == 1 && slope.rank <= x.rank ? [x, .scalar] : [x, slope]
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    guard try Shape.broadcast(try shapes(context)) == type.shape else {
      throw .invalidShape("slope \(try context.type(1)) cannot be broadcast to \(type)")
    }
    return [type]
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try binaryKernel(function, try shapes(context.inference), context)
  }
}

/// x above alpha, else 0, elementwise.
package struct ThresholdedRelu: UnaryOperator {
  package static let schema = Schema("ThresholdedRelu", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_THRESHOLDED_RELU }
  let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1)
  }
}

/// x from 0 on, alpha * (exp(x) - 1) below, elementwise.
package struct Elu: UnaryOperator {
  package static let schema = Schema("Elu", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_ELU }
  let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1)
  }
}

/// max(0, x) + min(0, alpha * (exp(x / alpha) - 1)), elementwise.
package struct Celu: UnaryOperator {
  package static let schema = Schema("Celu", since: 28, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_CELU }
  let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1)
    guard alpha != 0 else { throw .invalidModel("attribute 'alpha' is 0, which is no divisor") }
  }
}

/// gamma * x above 0, gamma * alpha * (exp(x) - 1) up to it, elementwise.
package struct Selu: UnaryOperator {
  package static let schema = Schema("Selu", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SELU }
  let alpha: Float
  let gamma: Float
  var parameters: pk_params { pk_params(Double(alpha), Double(gamma)) }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1.67326319217681884765625)
    gamma = try attributes.float("gamma", default: 1.05070102214813232421875)
  }

  /// The first release rounded the defaults.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 6 else { return }
    node.attributes["consumed_inputs"] = nil
    if node.attributes["alpha"] == nil { node.attributes["alpha"] = .float(1.6732) }
    if node.attributes["gamma"] == nil { node.attributes["gamma"] = .float(1.0507) }
  }
}

/// 1 / (1 + exp(-x)), elementwise.
package struct Sigmoid: UnaryOperator {
  package static let schema = Schema("Sigmoid", since: 13, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SIGMOID }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// alpha * x + beta, held between 0 and 1, elementwise.
package struct HardSigmoid: UnaryOperator {
  package static let schema = Schema("HardSigmoid", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_HARD_SIGMOID }
  package let alpha: Float
  package let beta: Float
  var parameters: pk_params { pk_params(Double(alpha), Double(beta)) }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 0.2)
    beta = try attributes.float("beta", default: 0.5)
  }
}

/// The hyperbolic tangent, elementwise.
package struct Tanh: UnaryOperator {
  package static let schema = Schema("Tanh", since: 13, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_TANH }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// log(1 + exp(x)), elementwise.
package struct Softplus: UnaryOperator {
  package static let schema = Schema("Softplus", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SOFTPLUS }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// x / (1 + |x|), elementwise.
package struct Softsign: UnaryOperator {
  package static let schema = Schema("Softsign", since: 22, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SOFTSIGN }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// x * HardSigmoid(x) with alpha 1/6 and beta 0.5, elementwise.
package struct HardSwish: UnaryOperator {
  package static let schema = Schema("HardSwish", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_HARD_SWISH }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// x / (1 + exp(-alpha * x)), elementwise.
package struct Swish: UnaryOperator {
  package static let schema = Schema("Swish", since: 24, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SWISH }
  package let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    alpha = try attributes.float("alpha", default: 1)
  }
}

/// x * tanh(log(1 + exp(x))), elementwise.
package struct Mish: UnaryOperator {
  package static let schema = Schema("Mish", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_MISH }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// x + bias below -lambd, x - bias above lambd, 0 between, elementwise.
package struct Shrink: UnaryOperator {
  package static let schema = Schema("Shrink", since: 9, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .numbers])
  var function: pk_unary_op { PK_UNARY_SHRINK }
  let lambd: Float
  let bias: Float
  var parameters: pk_params { pk_params(Double(lambd), Double(bias)) }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    lambd = try attributes.float("lambd", default: 0.5)
    bias = try attributes.float("bias", default: 0)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    guard type.element.isInteger else { return try unaryKernel(function, parameters, context) }
    return try unaryKernel(function, parameters, through: .float64, context)
  }
}

/// com.microsoft's ScaledSiLU: Swish of the input times a number, which is an input or an attribute.
package struct ScaledSiLU: Operator {
  package static let schema = Schema(
    "ScaledSiLU", domain: "com.microsoft", since: 1, inputs: ["X: T", "scale?: M"], outputs: ["Y: T"],
    types: ["T": [.float32, .float16, .bfloat16], "M": [.float32, .float16, .bfloat16]])

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    (node.domain, node.name) = ("", "Swish")
    var attributes = AttributeReader(node.attributes)
    let alpha = try attributes.float("alpha", default: 1)
    node.attributes["alpha"] = nil
    guard node.has(input: 0) else { return }
    let x = node.inputs[0]
    guard node.has(input: 1) || alpha != 1 else {
      node.inputs = [x]
      return
    }
    let factor = node.has(input: 1) ? node.inputs[1] : .constant(try Tensor(scalar: alpha))
    let alike = NodeDraft(newest: CastLike.schema, inputs: [factor, x])
    node.inputs = [.computed(NodeDraft(newest: Mul.schema, inputs: [x, .computed(alike)]))]
  }

  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try attributes.float("alpha", default: 1) }
}

/// com.microsoft's GatedAdd: X plus Y times a number for each row.
package struct GatedAdd: Operator {
  package static let schema = Schema(
    "GatedAdd", domain: "com.microsoft", since: 1, inputs: ["X: T", "Y: T", "gate: T", "gate_weight?: T"], outputs: ["output: T"],
    types: ["T": [.float32, .float16, .bfloat16]])

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard !node.has(input: 3) else { throw .unsupported("GatedAdd that projects its gate") }
    (node.domain, node.name) = ("", "Add")
    guard node.has(input: 1), node.has(input: 2) else { return }
    node.inputs = [node.inputs[0], .computed(NodeDraft(newest: Mul.schema, inputs: [node.inputs[1], node.inputs[2]]))]
  }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
