import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// An activation behind a product or convolution, applied before the result is stored.
struct ActivationEpilogue: Rule {
  let anchors: [any Operator.Type] = [
    Relu.self, Clip.self, LeakyRelu.self, Sigmoid.self, Tanh.self, HardSigmoid.self, HardSwish.self, Swish.self, Gelu.self,
  ]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let source = editor.input(index, 0),
      let producer = editor.soleProducer(source, Conv.self, MatMul.self, Gemm.self, FusedConv.self, FusedMatMul.self, FusedGemm.self),
      let fused = fused(editor[producer].op), editor.isFusible(producer), let (kind, parameters) = activation(index, editor)
    else { return false }
    var attributes = editor[producer].attributes
    attributes["activation"] = .string(kind)
    if !parameters.isEmpty { attributes["activation_params"] = .floats(parameters) }
    let node = try Node(
      fused, name: editor[producer].name, attributes: attributes, inputs: editor.inputs(of: producer),
      outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }

  /// The operator that does the same and an activation behind it; nil for one that has an activation already.
  private func fused(_ op: any Operator) -> (any Operator.Type)? {
    switch op {
    case is Conv: FusedConv.self
    case is MatMul: FusedMatMul.self
    case is Gemm: FusedGemm.self
    case let conv as FusedConv: conv.activation.isNone ? FusedConv.self : nil
    case let product as FusedMatMul: product.activation.isNone ? FusedMatMul.self : nil
    case let gemm as FusedGemm: gemm.activation.isNone ? FusedGemm.self : nil
    default: nil
    }
  }

  private func activation(_ index: Int, _ editor: GraphEditor) -> (String, [Float])? {
    switch editor[index].op {
    case is Relu: ("relu", [])
    case is Clip: editor.bounds(index).map { ("clip", [Float($0.low), Float($0.high)]) }
    case let op as LeakyRelu: ("leaky_relu", [op.alpha])
    case is Sigmoid: ("sigmoid", [])
    case is Tanh: ("tanh", [])
    case let op as HardSigmoid: ("hardsigmoid", [op.alpha, op.beta])
    case is HardSwish: ("hardswish", [])
    case let op as Swish: ("silu", [op.alpha])
    case let op as Gelu: (op.approximation == .tanh ? "gelu_tanh" : "gelu_erf", [])
    default: nil
    }
  }
}
