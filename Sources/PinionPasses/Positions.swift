import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Vectors of positions, which models lay along an axis and compare or index with.
extension GraphEditor {
  /// The vector of `extent` elements that lies along the axis of the value, counted from the back, whose other axes are all 1.
  mutating func vector(_ value: ValueID, along axis: Int, extent: Int, at index: Int) -> ValueID? {
    guard let dims = fact(value, at: index).dims, dims.count >= -axis else { return nil }
    for (place, dim) in dims.enumerated() where dim != (place == dims.count + axis ? extent : 1) { return nil }
    var value = value
    for _ in 0..<4 {
      if fact(value, at: index).rank == 1 { return value }
      guard let node = producer(value, Unsqueeze.self, Reshape.self), let source = input(node, 0) else { return nil }
      value = source
    }
    return fact(value, at: index).rank == 1 ? value : nil
  }

  /// The number or symbol from which the elements of an int64 vector count up by 1.
  mutating func countsFrom(_ vector: ValueID, at index: Int) -> Int? {
    let known = fact(vector, at: index)
    guard known.element == .int64, known.rank == 1 else { return nil }
    if let numbers = constant(vector)?.numbers, let first = numbers.first, (0...9e15).contains(first) {
      return numbers.enumerated().allSatisfy { $1 == first + Double($0) } ? Int(exactly: first) : nil
    }
    if let range = producer(vector, RangeOperator.self) {
      guard fact(input(range, 2), at: index).single == 1 else { return nil }
      return fact(input(range, 0), at: index).singleExtent
    }
    guard let add = producer(vector, Add.self), let a = input(add, 0), let b = input(add, 1) else { return nil }
    for (part, offset) in [(a, b), (b, a)] {
      guard fact(part, at: index).dims == known.dims, let start = fact(offset, at: index).singleExtent,
        let first = countsFrom(part, at: index)
      else { continue }
      return Symbols.isExtent(start) && Symbols.isExtent(first) ? symbols.sum(of: [start, first]) : nil
    }
    return nil
  }
}

/// GatherND by all rows and a vector of columns, both broadcast against one another: a Gather along the columns, which finds fault with
/// the same indices.
struct GatherOfColumns: Rule {
  let anchors: [any Operator.Type] = [GatherND.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard editor[index].attributes["batch_dims"].map({ $0 == .int(0) }) ?? true, let data = editor.input(index, 0),
      let indices = editor.input(index, 1), let concat = editor.producer(indices, Concat.self), editor.inputs(of: concat).count == 2,
      let output = editor.outputs(of: index).first ?? nil
    else { return false }
    let source = editor.fact(data, at: index), result = editor.fact(output, at: index + 1)
    guard source.rank == 2, let rows = source.extent(0), let rank = result.rank, rank >= 2, result.extent(0) == rows,
      let columns = result.extent(-1), result.dims?.dropFirst().dropLast().allSatisfy({ $0 == 1 }) == true,
      editor.fact(indices, at: index).dims == result.dims.map({ $0 + [2] }),
      let row = base(editor.input(concat, 0), result, index, &editor), let column = base(editor.input(concat, 1), result, index, &editor),
      editor.fact(row, at: index).rank == rank, let rowVector = editor.vector(row, along: -rank, extent: rows, at: index),
      editor.countsFrom(rowVector, at: index) == 0,
      let columnVector = editor.vector(column, along: -1, extent: columns, at: index)
    else { return false }
    let axes = (1..<(rank - 1)).map(Int64.init)
    let gathered = axes.isEmpty ? output : editor.addValue()
    let gather = try Node(
      Gather.self, name: editor[index].name, attributes: ["axis": .int(1)], inputs: [data, columnVector], outputs: [gathered])
    guard !axes.isEmpty else {
      editor.replace(index, with: gather)
      return true
    }
    editor.insert(gather, before: index)
    let added = editor.addConstant(try Tensor(vector: axes))
    editor.replace(
      index, with: try Node(Unsqueeze.self, name: editor[index].name, inputs: [gathered, added], outputs: editor.outputs(of: index)))
    return true
  }

  /// What is broadcast to the result's shape and has an axis of 1 appended.
  private func base(_ value: ValueID?, _ result: Fact, _ index: Int, _ editor: inout GraphEditor) -> ValueID? {
    guard let dims = result.dims, editor.fact(value, at: index).dims == dims + [1],
      let widen = editor.producer(value, Unsqueeze.self, Reshape.self), let inner = editor.input(widen, 0),
      editor.fact(inner, at: index).dims == dims
    else { return nil }
    if let expand = editor.producer(inner, Expand.self) { return editor.input(expand, 0) }
    return inner
  }
}
