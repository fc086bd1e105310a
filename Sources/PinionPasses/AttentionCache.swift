import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Attention over keys and values that are repeated for the query heads that share them: it takes them once.
struct SharedHeads: Rule {
  let anchors: [any Operator.Type] = [Attention.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let q = editor.fact(editor.input(index, 0), at: index)
    guard q.rank == 4, let heads = q.known(1), heads > 0, editor.input(index, 4) == nil, editor.input(index, 5) == nil,
      editor.outputs(of: index).dropFirst().prefix(2).allSatisfy({ $0 == nil }),
      let k = unrepeated(editor.input(index, 1), index, &editor), let v = unrepeated(editor.input(index, 2), index, &editor),
      k.heads == v.heads, k.group == v.group, heads % k.heads == 0
    else { return false }
    var node = editor[index]
    node.inputs[1] = k.value
    node.inputs[2] = v.value
    editor.replace(index, with: node)
    return true
  }

  /// The tensor [batch, heads, length, size] of which each head is repeated `group` times.
  private func unrepeated(
    _ value: ValueID?, _ index: Int, _ editor: inout GraphEditor
  ) -> (value: ValueID, heads: Int, group: Int)? {
    guard let merge = editor.producer(value, Reshape.self), let `repeat` = editor.producer(editor.input(merge, 0), Expand.self),
      let widen = editor.producer(editor.input(`repeat`, 0), Unsqueeze.self, Reshape.self), let source = editor.input(widen, 0)
    else { return nil }
    let fact = editor.fact(source, at: index)
    guard fact.rank == 4, let dims = fact.dims?.compactMap({ $0 }), dims.count == 4, let heads = fact.known(1), heads > 0,
      let group = editor.fact(editor.input(merge, 0), at: index).known(2), group > 0, let all = try? heads.multiplied(by: group)
    else { return nil }
    func has(_ value: ValueID?, _ expected: [Int]) -> Bool { editor.fact(value, at: index).dims == expected.map { Optional($0) } }
    guard has(editor.input(`repeat`, 0), [dims[0], heads, 1, dims[2], dims[3]]),
      has(editor.input(merge, 0), [dims[0], heads, group, dims[2], dims[3]]), has(value, [dims[0], all, dims[2], dims[3]])
    else { return nil }
    return (source, heads, group)
  }
}

/// Attention over keys and values of earlier runs with new ones behind them: it takes both and gives them out together, so that nothing
/// else of the graph has their length.
struct AttentionOverPast: Rule {
  let anchors: [any Operator.Type] = [Attention.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let node = editor[index]
    // Halves would be converted together with the past.
    guard editor.fact(editor.input(index, 0), at: index).rank == 4, editor.element(index) == .float32, node.outputs.count == 1,
      (3...4).contains(node.inputs.count), hasWholeWindow(node), let keys = editor.input(index, 1), let values = editor.input(index, 2),
      keys != values, let k = parts(keys, index, &editor), let v = parts(values, index, &editor), k.pastRows == v.pastRows,
      k.newRows == v.newRows
    else { return false }
    func present(_ value: ValueID) -> ValueID? {
      editor.isOutput(value) ? editor.addValue(editor.graph[value].name, type: editor.graph[value].type) : nil
    }
    let presentKeys = present(keys), presentValues = present(values)
    var outputs = node.outputs
    if presentKeys != nil || presentValues != nil { outputs += [presentKeys, presentValues] }
    while outputs.last == .some(nil) { outputs.removeLast() }
    let mask: ValueID? = node.inputs.count > 3 ? node.inputs[3] : nil
    let new = try Node(
      Attention.self, name: node.name, attributes: node.attributes, inputs: [node.inputs[0], k.new, v.new, mask, k.past, v.past],
      outputs: outputs)
    editor.replace(index, with: new)
    if let presentKeys { editor.forward(keys, to: presentKeys) }
    if let presentValues { editor.forward(values, to: presentValues) }
    return true
  }

  private struct Parts {
    var past: ValueID
    var new: ValueID
    var pastRows: Int
    var newRows: Int
  }

  /// What a Concat along the length puts together for this Attention alone and, at most, for the graph's outputs.
  private func parts(_ value: ValueID, _ index: Int, _ editor: inout GraphEditor) -> Parts? {
    guard let concat = editor.producer(value, Concat.self), editor.inputs(of: concat).count == 2, let past = editor.input(concat, 0),
      let new = editor.input(concat, 1), case .int(let axis)? = editor[concat].attributes["axis"], axis == 2 || axis == -2,
      editor.useCount(value) == (editor.isOutput(value) ? 2 : 1)
    else { return nil }
    let old = editor.fact(past, at: index), fresh = editor.fact(new, at: index)
    guard old.rank == 4, fresh.rank == 4, let pastRows = old.extent(2), let newRows = fresh.extent(2) else { return nil }
    return Parts(past: past, new: new, pastRows: pastRows, newRows: newRows)
  }
}

/// Attention under a mask that hides later keys, computed from the positions: it does that itself.
struct CausalMask: Rule {
  let anchors: [any Operator.Type] = [Attention.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let node = editor[index]
    guard node.inputs.count <= 6, node.outputs.count <= 3, hasWholeWindow(node), let mask = editor.input(index, 3),
      let extents = extents(index, &editor)
    else { return false }
    let replacement: ValueID?
    var hiddenBias: Float?
    if let choice = editor.producer(mask, Where.self) {
      // Elsewhere minus infinity is added, as it is to the scores of hidden keys, or a number so low that their weights are 0 in rows with others.
      guard let condition = editor.input(choice, 0), let bias = editor.input(choice, 1), let hidden = editor.input(choice, 2),
        let number = editor.constant(hidden)?.scalar, hides(number, beside: bias, editor), let rest = withoutOrder(condition, extents, index, &editor)
      else { return false }
      if let flags = rest.flags {
        guard covers(flags, extents, index, &editor) else { return false }
        // A row may have no others.
        if number > -.infinity { hiddenBias = Float(number) }
        replacement = editor.addValue()
        editor.insert(try Node(Where.self, inputs: [flags, bias, hidden], outputs: [replacement]), before: index)
      } else if editor.constant(bias)?.scalar == 0 {
        replacement = nil
      } else {
        guard covers(bias, extents, index, &editor) else { return false }
        replacement = bias
      }
    } else {
      guard editor.fact(mask, at: index).element == .bool, let rest = withoutOrder(mask, extents, index, &editor) else { return false }
      if let flags = rest.flags, !covers(flags, extents, index, &editor) { return false }
      replacement = rest.flags
    }
    var new = node
    new.attributes["is_causal"] = .int(1)
    if let hiddenBias { new.attributes[Attention.hiddenBias] = .float(hiddenBias) }
    new.inputs[3] = replacement
    while new.inputs.last == .some(nil) { new.inputs.removeLast() }
    editor.replace(
      index, with: try Node(Attention.self, name: node.name, attributes: new.attributes, inputs: new.inputs, outputs: node.outputs))
    return true
  }

  /// Whether no weight is left of a score to which the number is added, beside one to which the bias is.
  private func hides(_ number: Double, beside bias: ValueID, _ editor: GraphEditor) -> Bool {
    number == -.infinity || ((-Double(Float.greatestFiniteMagnitude) ... -1e30).contains(number) && editor.constant(bias)?.scalar == 0)
  }

  private struct Extents {
    var queries: Int
    var keys: Int
    /// Keys before that of query 0.
    var past: Int
  }

  private func extents(_ index: Int, _ editor: inout GraphEditor) -> Extents? {
    let q = editor.fact(editor.input(index, 0), at: index), k = editor.fact(editor.input(index, 1), at: index)
    guard let rank = q.rank, rank == k.rank, let queries = q.extent(rank - 2), let rows = k.extent(rank - 2) else { return nil }
    guard let past = editor.input(index, 4) else { return Extents(queries: queries, keys: rows, past: 0) }
    guard let pastRows = editor.fact(past, at: index).extent(2), let keys = editor.symbols.sum(of: [rows, pastRows]) else { return nil }
    return Extents(queries: queries, keys: keys, past: pastRows)
  }

  /// Whether the last axis is that of all keys; the other ones broadcast, as they did within the whole mask.
  private func covers(_ mask: ValueID, _ extents: Extents, _ index: Int, _ editor: inout GraphEditor) -> Bool {
    let fact = editor.fact(mask, at: index)
    return fact.rank.map { (1...4).contains($0) } == true && fact.extent(-1) == extents.keys
  }

  /// The flags of attended keys without the condition that a key is not behind the query; nil where that is no part of them.
  private func withoutOrder(_ flags: ValueID, _ extents: Extents, _ index: Int, _ editor: inout GraphEditor) -> Rest? {
    if isOrder(flags, extents, index, &editor) { return Rest(flags: nil) }
    guard let and = editor.producer(flags, And.self), let a = editor.input(and, 0), let b = editor.input(and, 1) else { return nil }
    if isOrder(a, extents, index, &editor) { return Rest(flags: b) }
    return isOrder(b, extents, index, &editor) ? Rest(flags: a) : nil
  }

  private struct Rest { var flags: ValueID? }

  /// The positions of the keys along the last axis <= those of the queries along the last but one.
  private func isOrder(_ flags: ValueID, _ extents: Extents, _ index: Int, _ editor: inout GraphEditor) -> Bool {
    guard let compare = editor.producer(flags, LessOrEqual.self, GreaterOrEqual.self) else { return false }
    let isLess = editor.kind(compare) == LessOrEqual.self
    guard let keys = editor.input(compare, isLess ? 0 : 1), let queries = editor.input(compare, isLess ? 1 : 0),
      let columns = editor.vector(keys, along: -1, extent: extents.keys, at: index), editor.countsFrom(columns, at: index) == 0,
      let rows = editor.vector(queries, along: -2, extent: extents.queries, at: index)
    else { return false }
    return editor.countsFrom(rows, at: index) == extents.past
  }
}

/// Whether the node attends all keys that its mask does not hide.
func hasWholeWindow(_ attention: Node) -> Bool {
  (attention.attributes["is_causal"].map { $0 == .int(0) } ?? true)
    && ["left_window_size", "right_window_size"].allSatisfy { attention.attributes[$0].map { $0 == .int(-1) } ?? true }
}
