import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// LayerNormalization and RMSNormalization over the last axis, as exporters write them out, from their division to their scale.
struct NormalizationRecognition: Rule {
  let anchors: [any Operator.Type] = [Mul.self]

  private struct Match {
    var x: ValueID
    var epsilon: Double
    var isCentred: Bool
  }

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    for slot in 0..<2 {
      guard let value = editor.input(index, slot), let scale = editor.other(index, than: value), editor.useCount(value) == 1,
        let producer = editor.producer(value, Div.self, Mul.self), let match = normalized(producer, index, &editor)
      else { continue }
      let width = editor.fact(match.x, at: index).extent(-1), fact = editor.fact(scale, at: index)
      guard let width, fact.rank == 1, fact.extent(0) == width, let epsilon = attribute(match.epsilon, editor.element(index)) else { continue }
      let node = try Node(
        match.isCentred ? LayerNormalization.self : RMSNormalization.self, name: editor[index].name,
        attributes: ["axis": .int(-1), "epsilon": epsilon], inputs: [match.x, scale], outputs: editor.outputs(of: index))
      editor.replace(index, with: node)
      return true
    }
    return false
  }

  /// A node that divides by the root of a mean square plus a small number.
  private func normalized(_ producer: Int, _ index: Int, _ editor: inout GraphEditor) -> Match? {
    if editor.kind(producer) == Div.self {
      guard let root = editor.producer(editor.input(producer, 1), Sqrt.self), let numerator = editor.input(producer, 0) else { return nil }
      return match(numerator, sum: editor.input(root, 0), index, &editor)
    }
    for slot in 0..<2 {
      guard let factor = editor.input(producer, slot), let numerator = editor.other(producer, than: factor),
        let reciprocal = editor.producer(factor, Reciprocal.self, Div.self, Pow.self)
      else { continue }
      switch editor.kind(reciprocal) {
      case Pow.self:
        guard editor.number(editor.input(reciprocal, 1), beside: editor.input(reciprocal, 0), at: index) == -0.5 else { continue }
        if let match = match(numerator, sum: editor.input(reciprocal, 0), index, &editor) { return match }
      case Div.self:
        guard editor.number(editor.input(reciprocal, 0), beside: editor.input(reciprocal, 1), at: index) == 1, let root = editor.producer(editor.input(reciprocal, 1), Sqrt.self)
        else { continue }
        if let match = match(numerator, sum: editor.input(root, 0), index, &editor) { return match }
      default:
        guard let root = editor.producer(editor.input(reciprocal, 0), Sqrt.self) else { continue }
        if let match = match(numerator, sum: editor.input(root, 0), index, &editor) { return match }
      }
    }
    return nil
  }

  private func match(_ numerator: ValueID, sum: ValueID?, _ index: Int, _ editor: inout GraphEditor) -> Match? {
    guard let add = editor.producer(sum, Add.self), let (epsilon, _, variance) = editor.numberAndOther(add), epsilon >= 0,
      let mean = editor.producer(variance, ReduceMean.self), isOverLastAxis(mean, index, &editor),
      let square = editor.producer(editor.input(mean, 0), Pow.self, Mul.self), editor.input(square, 0) == numerator
    else { return nil }
    if editor.kind(square) == Pow.self {
      guard editor.number(editor.input(square, 1), beside: numerator, at: index) == 2 else { return nil }
    } else {
      guard editor.input(square, 1) == numerator else { return nil }
    }
    guard let difference = editor.producer(numerator, Sub.self) else { return Match(x: numerator, epsilon: epsilon, isCentred: false) }
    guard let x = editor.input(difference, 0), let centre = editor.producer(editor.input(difference, 1), ReduceMean.self),
      editor.input(centre, 0) == x, isOverLastAxis(centre, index, &editor)
    else { return Match(x: numerator, epsilon: epsilon, isCentred: false) }
    return Match(x: x, epsilon: epsilon, isCentred: true)
  }

  private func isOverLastAxis(_ mean: Int, _ index: Int, _ editor: inout GraphEditor) -> Bool {
    guard editor.op(mean, ReduceMean.self)?.reduction.keepsAxes == true, let axes = editor.integers(editor.input(mean, 1)), axes.count == 1
    else { return false }
    if axes[0] == -1 { return true }
    return editor.fact(editor.input(mean, 0), at: index).rank.map { Int64($0 - 1) == axes[0] } ?? false
  }
}

/// A LayerNormalization without bias and then a vector added.
struct NormalizationBias: Rule {
  let anchors: [any Operator.Type] = [Add.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    for slot in 0..<2 {
      guard let value = editor.input(index, slot), let bias = editor.other(index, than: value),
        let normalization = editor.soleProducer(value, LayerNormalization.self), editor.inputs(of: normalization).count == 2,
        editor.outputs(of: normalization).count == 1, editor.op(normalization, LayerNormalization.self)?.axis == -1
      else { continue }
      let fact = editor.fact(bias, at: index), scale = editor.fact(editor.input(normalization, 1), at: index)
      guard fact.rank == 1, scale.rank == 1, let width = scale.extent(0), fact.extent(0) == width else { continue }
      let old = editor[normalization]
      let node = try Node(
        LayerNormalization.self, name: old.name, attributes: old.attributes, inputs: old.inputs + [bias], outputs: editor.outputs(of: index))
      editor.replace(index, with: node)
      return true
    }
    return false
  }
}
