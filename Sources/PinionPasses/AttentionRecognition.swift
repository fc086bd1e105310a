import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// softmax(scale * Q K^T + mask) V over [batch, heads, length, size], written out with MatMul, Mul or Div, Add and Softmax.
struct AttentionRecognition: Rule {
  let anchors: [any Operator.Type] = [MatMul.self]

  private struct Scores {
    var q: ValueID
    var k: Key
    var scale: Double
    var mask: ValueID?
  }

  /// The keys, as [batch, heads, length, size] or with length and heads exchanged.
  private struct Key {
    var value: ValueID
    var isByRow: Bool
  }

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let probabilities = editor.input(index, 0), let v = editor.input(index, 1),
      let softmax = softmax(probabilities, index, &editor), let sum = editor.input(softmax.node, 0),
      editor.fact(sum, at: index).rank == 4, editor.isFusible(index), editor.useCount(sum) == softmax.readers,
      let scores = scores(sum, readers: softmax.readers, index, &editor), fits(scores, v, index, &editor)
    else { return false }
    var key = scores.k.value
    if scores.k.isByRow {
      let byHead = editor.addValue()
      editor.insert(
        try Node(Transpose.self, attributes: ["perm": .ints([0, 2, 1, 3])], inputs: [key], outputs: [byHead]), before: index)
      key = byHead
    }
    var inputs: [ValueID?] = [scores.q, key, v]
    if let mask = scores.mask { inputs.append(mask) }
    var attributes: [String: AttributeValue] = ["scale": .float(Float(scores.scale))]
    if scores.mask != nil, !softmax.hasZeros { attributes[Attention.nanWithoutKeys] = .int(1) }
    let node = try Node(Attention.self, name: editor[index].name, attributes: attributes, inputs: inputs, outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }

  /// The Softmax over the last axis, whether the NaNs of rows without any key are replaced by 0, and how many nodes read its scores.
  private func softmax(_ value: ValueID, _ index: Int, _ editor: inout GraphEditor) -> (node: Int, hasZeros: Bool, readers: Int)? {
    guard let producer = editor.producer(value, Softmax.self, Where.self), editor.useCount(value) == 1 else { return nil }
    func isOverLastAxis(_ softmax: Int) -> Bool {
      let axis = editor.op(softmax, Softmax.self)?.along.axis
      return axis == -1 || axis == 3
    }
    guard editor.kind(producer) == Where.self else { return isOverLastAxis(producer) ? (producer, false, 1) : nil }
    guard let inner = editor.input(producer, 2), editor.number(editor.input(producer, 1), beside: inner, at: index) == 0,
      let softmax = editor.producer(inner, Softmax.self), isOverLastAxis(softmax)
    else { return nil }
    let condition = editor.input(producer, 0)
    if let isNaN = editor.producer(condition, IsNaN.self) {
      return editor.input(isNaN, 0) == inner && editor.useCount(inner) == 2 ? (softmax, true, 1) : nil
    }
    guard editor.useCount(inner) == 1, let scores = editor.input(softmax, 0), isEmptyRow(condition, of: scores, index, &editor) else { return nil }
    return (softmax, true, 2)
  }

  /// Whether the condition tells the rows of scores that are minus infinity throughout: Equal(ReduceMax(scores), -inf), or
  /// Not(any(Not(Equal(scores, -inf)))), where any is ReduceMax, of bytes or as it is.
  private func isEmptyRow(_ condition: ValueID?, of scores: ValueID, _ index: Int, _ editor: inout GraphEditor) -> Bool {
    func largest(_ value: ValueID?) -> ValueID? {
      guard let node = editor.producer(value, ReduceMax.self), editor.op(node, ReduceMax.self)?.reduction.keepsAxes == true,
        let axes = editor.integers(editor.input(node, 1)), axes == [-1] || axes == [3]
      else { return nil }
      return editor.input(node, 0)
    }
    func isMinusInfinity(_ value: ValueID?, _ editor: inout GraphEditor) -> ValueID? {
      guard let node = editor.producer(value, Equal.self), let (number, _, other) = editor.numberAndOther(node), number == -.infinity
      else { return nil }
      return other
    }
    func uncast(_ value: ValueID?) -> ValueID? { editor.producer(value, Cast.self).map { editor.input($0, 0) } ?? value }
    if let other = isMinusInfinity(condition, &editor) { return largest(other) == scores }
    guard let outer = editor.producer(condition, Not.self), let some = largest(uncast(editor.input(outer, 0))),
      let inner = editor.producer(uncast(some), Not.self)
    else { return false }
    return isMinusInfinity(editor.input(inner, 0), &editor) == scores
  }

  private func scores(_ sum: ValueID, readers: Int, _ index: Int, _ editor: inout GraphEditor) -> Scores? {
    if let scores = product(sum, readers: readers, &editor) { return scores }
    guard let add = editor.producer(sum, Add.self) else { return nil }
    for slot in 0..<2 {
      guard let value = editor.input(add, slot), let mask = editor.other(add, than: value), var scores = product(value, readers: 1, &editor) else {
        continue
      }
      let whole = editor.fact(value, at: index), fact = editor.fact(mask, at: index)
      guard let rank = fact.rank, rank >= 1, rank <= 4, let keys = whole.extent(-1), fact.extent(-1) == keys else { continue }
      // Along the other axes the mask may be broadcast, but not enlarge the scores.
      let isInside = (1..<rank).allSatisfy { axis in
        guard let extent = fact.extent(-1 - axis) else { return false }
        return extent == 1 || extent == whole.extent(-1 - axis)
      }
      guard isInside else { continue }
      scores.mask = mask
      return scores
    }
    return nil
  }

  /// scale * Q K^T, with the scale before or behind the product.
  private func product(_ value: ValueID, readers: Int, _ editor: inout GraphEditor) -> Scores? {
    guard editor.useCount(value) == readers else { return nil }
    var scale = 1.0
    func unscaled(_ value: ValueID, _ editor: inout GraphEditor) -> ValueID {
      guard let node = editor.producer(value, Mul.self, Div.self),
        let (number, slot, other) = editor.numberAndOther(node), editor.kind(node) == Mul.self || (slot == 1 && number != 0)
      else { return value }
      scale = editor.kind(node) == Mul.self ? scale * number : scale / number
      return other
    }
    let inner = unscaled(value, &editor)
    guard inner == value || editor.useCount(inner) == 1, let product = editor.producer(inner, MatMul.self), let left = editor.input(product, 0), let right = editor.input(product, 1)
    else { return nil }
    let q = unscaled(left, &editor)
    guard let transpose = editor.producer(unscaled(right, &editor), Transpose.self),
      let source = editor.input(transpose, 0)
    else { return nil }
    // The scale of the keys may also come before they are turned.
    let k = unscaled(source, &editor)
    switch editor.op(transpose, Transpose.self)?.permutation {
    case [0, 1, 3, 2]: return Scores(q: q, k: Key(value: k, isByRow: false), scale: scale)
    case [0, 2, 3, 1]: return Scores(q: q, k: Key(value: k, isByRow: true), scale: scale)
    default: return nil
    }
  }

  /// Batches and heads are the same: MatMul would broadcast them, Attention does not.
  private func fits(_ scores: Scores, _ v: ValueID, _ index: Int, _ editor: inout GraphEditor) -> Bool {
    let q = editor.fact(scores.q, at: index), k = editor.fact(scores.k.value, at: index), v = editor.fact(v, at: index)
    guard q.rank == 4, k.rank == 4, v.rank == 4, let batch = q.extent(0), let heads = q.extent(1) else { return false }
    return k.extent(0) == batch && v.extent(0) == batch && k.extent(scores.k.isByRow ? 2 : 1) == heads && v.extent(1) == heads
  }
}

/// Attention whose operands are turned from [batch, length, heads * size] to [batch, heads, length, size] and whose result is turned
/// back: it takes them as they are.
struct AttentionByRow: Rule {
  let anchors: [any Operator.Type] = [Reshape.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let source = editor.input(index, 0), let transpose = editor.soleProducer(source, Transpose.self),
      editor.op(transpose, Transpose.self)?.permutation == [0, 2, 1, 3],
      let attention = editor.soleProducer(editor.input(transpose, 0), Attention.self), editor.inputs(of: attention).count <= 4,
      editor.outputs(of: attention).count == 1, editor[attention].attributes.keys.allSatisfy({ $0 == "scale" }),
      let output = editor.outputs(of: index).first ?? nil
    else { return false }
    let byRow = editor.fact(source, at: index), result = editor.fact(output, at: index + 1)
    guard merges(byRow, into: result), let q = unturned(editor.input(attention, 0), index, &editor),
      let k = unturned(editor.input(attention, 1), index, &editor), let v = unturned(editor.input(attention, 2), index, &editor),
      k.heads == v.heads
    else { return false }
    var attributes = editor[attention].attributes
    attributes["q_num_heads"] = .int(Int64(q.heads))
    attributes["kv_num_heads"] = .int(Int64(k.heads))
    let node = try Node(
      Attention.self, name: editor[attention].name, attributes: attributes,
      inputs: [q.value, k.value, v.value] + editor.inputs(of: attention).dropFirst(3), outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }

  /// The operand before a Reshape split its last axis into heads and a Transpose moved them to the front.
  private func unturned(_ value: ValueID?, _ index: Int, _ editor: inout GraphEditor) -> (value: ValueID, heads: Int)? {
    guard let transpose = editor.producer(value, Transpose.self), editor.op(transpose, Transpose.self)?.permutation == [0, 2, 1, 3],
      let split = editor.input(transpose, 0), let reshape = editor.producer(split, Reshape.self), let source = editor.input(reshape, 0)
    else { return nil }
    let parts = editor.fact(split, at: index), whole = editor.fact(source, at: index)
    guard merges(parts, into: whole), let heads = parts.known(2) else { return nil }
    return (source, heads)
  }

  /// Whether [batch, length, heads, size] and [batch, length, heads * size] hold the same elements in the same order: it is enough to
  /// know that the last axis and one of the first two fit.
  private func merges(_ parts: Fact, into whole: Fact) -> Bool {
    guard parts.rank == 4, whole.rank == 3, let heads = parts.known(2), let size = parts.known(3), let width = whole.known(2),
      heads > 0, size > 0, heads <= width, heads.multipliedReportingOverflow(by: size) == (width, false)
    else { return false }
    return (0..<2).contains { axis in parts.extent(axis).map { $0 == whole.extent(axis) } ?? false }
  }
}
