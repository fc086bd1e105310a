import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// A Split of which one piece alone is read is a Slice.
struct SplitOfOne: Rule {
  let anchors: [any Operator.Type] = [Split.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let outputs = editor.outputs(of: index)
    let read = outputs.indices.filter { outputs[$0].map { editor.useCount($0) > 0 } ?? false }
    guard outputs.count > 1, read.count == 1, let split = editor.op(index, Split.self), let source = editor.input(index, 0),
      let sizes = editor.integers(editor.input(index, 1)), sizes.count == outputs.count
    else { return false }
    let fact = editor.fact(source, at: index)
    guard let rank = fact.rank, rank > 0 else { return false }
    let along = split.axis < 0 ? split.axis &+ Int64(rank) : split.axis
    // One whose pieces do not make up the whole is left, to say so.
    guard let axis = Int(exactly: along), (0..<rank).contains(axis), let extent = fact.known(axis), sizes.allSatisfy({ 0 <= $0 && $0 <= Int64(extent) }),
      sizes.reduce(0, { $0 &+ $1 }) == Int64(extent)
    else { return false }
    let start = sizes[..<read[0]].reduce(0, +)
    func constant(_ value: Int64) throws(PinionError) -> ValueID { editor.addConstant(try Tensor(vector: [value])) }
    let operands = [try constant(start), try constant(start + sizes[read[0]]), try constant(Int64(axis))]
    let node = try Node(
      Slice.self, name: editor[index].name, inputs: [source] + operands.map(Optional.some), outputs: [outputs[read[0]]])
    editor.replace(index, with: node)
    return true
  }
}

/// An operand that an Expand brings to the extents that the result has without it, since another operand has them: it is read as it is.
struct ExpandedOperand: Rule {
  let anchors: [any Operator.Type] = [
    Add.self, Sub.self, Mul.self, Div.self, Pow.self, Where.self, Equal.self, Greater.self, GreaterOrEqual.self, Less.self,
    LessOrEqual.self, And.self, Or.self,
  ]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    for slot in editor.inputs(of: index).indices {
      guard let dims = editor.fact(editor.input(index, slot), at: index).dims, !dims.contains(nil),
        let source = editor.unexpanded(index, slot), let rank = editor.fact(source, at: index).rank, rank <= dims.count,
        editor.inputs(of: index).indices.contains(where: { $0 != slot && editor.fact(editor.input(index, $0), at: index).dims == dims })
      else { continue }
      editor.setInput(index, slot, source)
      return true
    }
    return false
  }
}

/// A MatMul by a matrix that an Expand repeats for each batch of the other factor.
struct RepeatedFactor: Rule {
  let anchors: [any Operator.Type] = [MatMul.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let source = editor.unexpanded(index, 1), let matrix = editor.fact(source, at: index).dims, matrix.count == 2,
      let dims = editor.fact(editor.input(index, 1), at: index).dims, let left = editor.fact(editor.input(index, 0), at: index).dims,
      dims.count == left.count, dims.count > 2, !matrix.contains(nil), !dims.contains(nil), Array(dims.suffix(2)) == matrix,
      dims.dropLast(2) == left.dropLast(2)
    else { return false }
    editor.setInput(index, 1, source)
    return true
  }
}

extension GraphEditor {
  /// What the Expand that makes an operand expands.
  fileprivate func unexpanded(_ index: Int, _ slot: Int) -> ValueID? {
    producer(input(index, slot), Expand.self).flatMap { input($0, 0) }
  }

  fileprivate mutating func setInput(_ index: Int, _ slot: Int, _ value: ValueID) {
    var node = self[index]
    node.inputs[slot] = value
    replace(index, with: node)
  }
}
