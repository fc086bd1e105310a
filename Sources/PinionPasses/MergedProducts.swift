import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// A product between Reshapes that merge the axes before the last one or two and split them again, as exporters write it that know
/// products of two or three axes only: MatMul of the tensors as they are.
struct MergedProduct: Rule {
  let anchors: [any Operator.Type] = [Reshape.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let output = editor.outputs(of: index).first ?? nil,
      let product = editor.soleProducer(editor.input(index, 0), MatMul.self, Gemm.self), let left = editor.input(product, 0),
      let right = editor.input(product, 1), let merge = editor.producer(left, Reshape.self), let source = editor.input(merge, 0),
      let dims = editor.fact(source, at: index).dims, dims.count > 2, let merged = editor.fact(left, at: index).dims,
      let result = editor.fact(output, at: index + 1).dims, let factor = editor.fact(right, at: index).dims, factor.count >= 2
    else { return false }
    let columns = factor[factor.count - 1]
    if merged.count == 2, factor.count == 2, let depth = merged[1], depth > 0 {
      // [..., k] as [rows, k].
      if dims[dims.count - 1] == depth {
        return agrees(result, Array(dims.dropLast()) + [columns]) ? try replace(index, product, source, right, &editor) : false
      }
      guard result.count > 2, let columns, columns > 0, canReplace(product, &editor),
        let rows = try rows(index, depth: depth, columns: columns, &editor)
      else { return false }
      let split = editor.addValue()
      editor.insert(try Node(Reshape.self, name: editor[merge].name, inputs: [source, rows], outputs: [split]), before: index)
      return try replace(index, product, split, right, &editor)
    }
    guard editor.kind(product) == MatMul.self, merged.count == 3, factor.count == 3, dims.count > 3, !dims.contains(nil),
      merged[1] == dims[dims.count - 2], merged[2] == dims[dims.count - 1], agrees(result, Array(dims.dropLast()) + [columns])
    else { return false }
    let split = Array(dims.dropLast(2)) + factor.suffix(2)
    if let other = editor.producer(right, Reshape.self), let second = editor.input(other, 0), !split.contains(nil),
      editor.fact(second, at: index).dims == split
    {
      return try replace(index, product, source, second, &editor)
    }
    // The other factor was made with its axes merged.
    guard let batch = merged[0], factor[0] == batch, split.count(where: { !isKnown($0) }) <= 1 else { return false }
    let shape = editor.addConstant(try Tensor(vector: split.map { isKnown($0) ? Int64($0 ?? 0) : -1 }))
    let second = editor.addValue()
    editor.insert(try Node(Reshape.self, name: editor[product].name, inputs: [right, shape], outputs: [second]), before: index)
    return try replace(index, product, source, second, &editor)
  }

  /// The shape of the outer Reshape with the depth of the product in the place of its columns; nil where they are not told apart.
  private func rows(_ index: Int, depth: Int, columns: Int, _ editor: inout GraphEditor) throws(PinionError) -> ValueID? {
    guard let shape = editor.input(index, 1) else { return nil }
    if var numbers = editor.integers(shape), let last = numbers.last {
      guard last == Int64(columns), !numbers.contains(0) else { return nil }
      numbers[numbers.count - 1] = Int64(depth)
      return editor.addConstant(try Tensor(vector: numbers))
    }
    guard let join = editor.producer(shape, Concat.self), let last = editor.integers(editor.inputs(of: join).last ?? nil),
      last == [Int64(columns)], editor.op(index, Reshape.self)?.allowZero == true
    else { return nil }
    var node = editor[join]
    let value = editor.addValue()
    node.inputs[node.inputs.count - 1] = editor.addConstant(try Tensor(vector: [Int64(depth)]))
    node.outputs = [value]
    editor.insert(node, before: index)
    return value
  }

  private func isKnown(_ extent: Int?) -> Bool { (extent ?? 0) > 0 }

  /// Whether these are the extents: all but one are equal, and the last one follows from the number of elements.
  private func agrees(_ found: [Int?], _ expected: [Int?]) -> Bool {
    guard found.count == expected.count else { return false }
    let open = expected.indices.filter { expected[$0] == nil || found[$0] != expected[$0] }
    return open.isEmpty || (open.count == 1 && expected.indices.allSatisfy { $0 == open[0] || isKnown(expected[$0]) })
  }

  /// Whether the product has nothing that MatMul and Add lack. A bias is one of the columns alone; one of the rows would have to be split.
  private func canReplace(_ product: Int, _ editor: inout GraphEditor) -> Bool {
    guard let form = editor.op(product, Gemm.self)?.form else { return true }
    guard form.alpha == 1, form.beta == 1, !form.transposition.a, !form.transposition.b else { return false }
    guard let bias = editor.input(product, 2) else { return true }
    let fact = editor.fact(bias, at: product), columns = editor.fact(editor.input(product, 1), at: product).extent(1)
    return fact.rank == 1 && columns != nil && fact.extent(0) == columns
  }

  private func replace(_ index: Int, _ product: Int, _ a: ValueID, _ b: ValueID, _ editor: inout GraphEditor) throws(PinionError) -> Bool {
    guard canReplace(product, &editor) else { return false }
    let name = editor[product].name, outputs = editor.outputs(of: index)
    guard editor.kind(product) == Gemm.self, let bias = editor.input(product, 2) else {
      editor.replace(index, with: try Node(MatMul.self, name: name, inputs: [a, b], outputs: outputs))
      return true
    }
    let sum = editor.addValue()
    editor.insert(try Node(MatMul.self, name: name, inputs: [a, b], outputs: [sum]), before: index)
    editor.replace(index, with: try Node(Add.self, name: name, inputs: [sum, bias], outputs: outputs))
    return true
  }
}
