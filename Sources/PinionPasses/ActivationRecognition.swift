import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Products of x and a gate that depends on x, which are operators of their own: Gelu, Swish, Mish and HardSwish.
struct GatedActivation: Rule {
  let anchors: [any Operator.Type] = [Mul.self, Div.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let (number, values) = editor.factors(index)
    guard values.count == 2, values[0] != values[1], let element = editor.element(index), element.isFloatingPoint else { return false }
    // In double precision a constant of single precision is another number than the operator's own.
    let tolerance = element == .float16 || element == .bfloat16 ? 4e-3 : element == .float64 ? 0x1p-48 : 1e-5
    for (x, gate) in [(values[0], values[1]), (values[1], values[0])] {
      guard let (type, attributes) = recognize(x, gate, number, tolerance, index, &editor) else { continue }
      let node = try Node(
        type, name: editor[index].name, attributes: attributes, inputs: [x], outputs: editor.outputs(of: index))
      editor.replace(index, with: node)
      return true
    }
    return false
  }

  private func recognize(
    _ x: ValueID, _ gate: ValueID, _ number: Double, _ tolerance: Double, _ index: Int, _ editor: inout GraphEditor
  ) -> (any Operator.Type, [String: AttributeValue])? {
    func isNear(_ a: Double, _ b: Double) -> Bool { PinionPasses.isNear(a, b, tolerance: tolerance) }
    guard editor.useCount(gate) == 1, let producer = editor.producer(gate) else { return nil }
    let argument = editor.input(producer, 0)
    switch editor[producer].op {
    case is Sigmoid:
      guard number == 1, let p = editor.polynomial(argument, in: x, at: index), p[0] == 0, p[1] != 0, p[2] == 0, p[3] == 0 else { return nil }
      return attribute(p[1], editor.element(index)).map { (Swish.self, ["alpha": $0]) }
    case is Tanh:
      guard number == 1, let softplus = editor.producer(argument, Softplus.self), editor.input(softplus, 0) == x else { return nil }
      return (Mish.self, [:])
    case let op as HardSigmoid:
      guard number == 1, argument == x, isNear(Double(op.alpha), 1 / 6), op.beta == 0.5 else { return nil }
      return (HardSwish.self, [:])
    case is Clip:
      guard let (low, high) = editor.bounds(producer), low == 0, high > 0, isNear(high * number, 1), let p = editor.polynomial(argument, in: x, at: index),
        isNear(p[0] * number, 0.5), isNear(p[1] * number, 1 / 6), p[2] == 0, p[3] == 0
      else { return nil }
      return (HardSwish.self, [:])
    case is Add, is Mul, is Div:
      let (offset, scale, base) = editor.affine(gate, at: index)
      guard isNear(offset * number, 0.5), isNear(scale * number, 0.5), let function = editor.producer(base, Erf.self, Tanh.self),
        let p = editor.polynomial(editor.input(function, 0), in: x, at: index), p[0] == 0, p[2] == 0
      else { return nil }
      if editor.kind(function) == Erf.self { return isNear(p[1], 0.5.squareRoot()) && p[3] == 0 ? (Gelu.self, [:]) : nil }
      let root = (2 / Double.pi).squareRoot()
      return isNear(p[1], root) && isNear(p[3], 0.044715 * root) ? (Gelu.self, ["approximate": .string("tanh")]) : nil
    default: return nil
    }
  }
}

/// A Clip to 0 and h, scaled to end at 1, of a multiple of x plus a number.
struct HardSigmoidRecognition: Rule {
  let anchors: [any Operator.Type] = [Mul.self, Div.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let (number, slot, other) = editor.numberAndOther(index), editor.kind(index) == Mul.self || (slot == 1 && number != 0),
      let clip = editor.soleProducer(other, Clip.self), let (low, high) = editor.bounds(clip), let argument = editor.input(clip, 0)
    else { return false }
    let factor = editor.kind(index) == Mul.self ? number : 1 / number
    let (offset, scale, base) = editor.affine(argument, at: index)
    guard let element = editor.element(index), element.isFloatingPoint else { return false }
    guard low == 0, high > 0, isNear(high * factor, 1, tolerance: element == .float64 ? 0x1p-48 : 1e-5), scale != 0, base != argument,
      let alpha = attribute(scale * factor, element), let beta = attribute(offset * factor, element)
    else { return false }
    let node = try Node(
      HardSigmoid.self, name: editor[index].name,
      attributes: ["alpha": alpha, "beta": beta], inputs: [base],
      outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }
}
