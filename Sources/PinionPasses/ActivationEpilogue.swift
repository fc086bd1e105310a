import PinionBase
import PinionGraph
import PinionTensor

/// An activation behind a product or convolution, applied before the result is stored.
struct ActivationEpilogue: Rule {
  let anchors = ["Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish", "Swish", "Gelu"]

  private static let fused = [
    "Conv": "FusedConv", "pinion::FusedConv": "FusedConv", "MatMul": "FusedMatMul", "pinion::FusedMatMul": "FusedMatMul",
    "Gemm": "FusedGemm", "pinion::FusedGemm": "FusedGemm",
  ]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let source = editor.input(index, 0), editor.useCount(source) == 1, let producer = editor.producer(source),
      let fused = ActivationEpilogue.fused[editor.name(producer)], editor[producer].attributes["activation"] == nil,
      editor.isFusible(producer), let (kind, parameters) = activation(index, editor)
    else { return false }
    var attributes = editor[producer].attributes
    attributes["activation"] = .string(kind)
    if !parameters.isEmpty { attributes["activation_params"] = .floats(parameters) }
    let node = try context.resolver.node(
      fused, domain: "pinion", name: editor[producer].name, attributes: attributes, inputs: editor[producer].inputs,
      outputs: editor[index].outputs)
    editor.replace(index, with: node)
    return true
  }

  private func activation(_ index: Int, _ editor: GraphEditor) -> (String, [Float])? {
    func float(_ name: String, _ value: Float) -> Float {
      if case .float(let given)? = editor[index].attributes[name] { return given }
      return value
    }
    switch editor.name(index) {
    case "Relu": return ("relu", [])
    case "Clip": return editor.bounds(index).map { ("clip", [Float($0.low), Float($0.high)]) }
    case "LeakyRelu": return ("leaky_relu", [float("alpha", 0.01)])
    case "Sigmoid": return ("sigmoid", [])
    case "Tanh": return ("tanh", [])
    case "HardSigmoid": return ("hardsigmoid", [float("alpha", 0.2), float("beta", 0.5)])
    case "HardSwish": return ("hardswish", [])
    case "Swish": return ("silu", [float("alpha", 1)])
    case "Gelu": return (editor[index].attributes["approximate"] == .string("tanh") ? "gelu_tanh" : "gelu_erf", [])
    default: return nil
    }
  }
}
