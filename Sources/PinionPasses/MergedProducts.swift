import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// A product between Reshapes that merge the axes before the last one or two and split them again, as exporters write it that know
/// products of two or three axes only: MatMul of the tensors as they are.
struct MergedProduct: Rule {
  let anchors: [any Operator.Type] = [Reshape.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let output = editor[index].outputs.first ?? nil,
      let product = editor.soleProducer(editor.input(index, 0), MatMul.self, Gemm.self), let left = editor.input(product, 0),
      let right = editor.input(product, 1), let merge = editor.producer(left, Reshape.self), let source = editor.input(merge, 0),
      let dims = editor.fact(source, at: index).dims, dims.count > 2, let merged = editor.fact(left, at: index).dims,
      let result = editor.fact(output, at: index + 1).dims, let factor = editor.fact(right, at: index).dims, factor.count >= 2
    else { return false }
    let columns = factor[factor.count - 1]
    if merged.count == 2, factor.count == 2 {
      // [..., k] as [rows, k].
      guard isKnown(dims.last ?? nil), merged[1] == dims[dims.count - 1], agrees(result, Array(dims.dropLast()) + [columns]) else { return false }
      return try replace(index, product, source, right, &editor)
    }
    guard editor.kind(product) == MatMul.self, merged.count == 3, factor.count == 3, dims.count > 3,
      let other = editor.producer(right, Reshape.self), let second = editor.input(other, 0), let more = editor.fact(second, at: index).dims,
      more.count == dims.count, !dims.contains(nil), dims.dropLast(2) == more.dropLast(2), merged[1] == dims[dims.count - 2],
      merged[2] == dims[dims.count - 1], factor[1] == more[more.count - 2], factor[2] == more[more.count - 1],
      agrees(result, Array(dims.dropLast()) + [columns])
    else { return false }
    return try replace(index, product, source, second, &editor)
  }

  private func isKnown(_ extent: Int?) -> Bool { (extent ?? 0) > 0 }

  /// Whether these are the extents: all but one are equal, and the last one follows from the number of elements.
  private func agrees(_ found: [Int?], _ expected: [Int?]) -> Bool {
    guard found.count == expected.count else { return false }
    let open = expected.indices.filter { expected[$0] == nil || found[$0] != expected[$0] }
    return open.isEmpty || (open.count == 1 && expected.indices.allSatisfy { $0 == open[0] || isKnown(expected[$0]) })
  }

  private func replace(_ index: Int, _ product: Int, _ a: ValueID, _ b: ValueID, _ editor: inout GraphEditor) throws(PinionError) -> Bool {
    let name = editor[product].name, outputs = editor[index].outputs
    guard let gemm = editor.op(product, Gemm.self) else {
      editor.replace(index, with: try Node(MatMul.self, name: name, inputs: [a, b], outputs: outputs))
      return true
    }
    let form = gemm.form
    guard form.alpha == 1, form.beta == 1, !form.transposition.a, !form.transposition.b else { return false }
    guard let bias = editor.input(product, 2) else {
      editor.replace(index, with: try Node(MatMul.self, name: name, inputs: [a, b], outputs: outputs))
      return true
    }
    // A bias of the columns alone; one of the rows would have to be split as well.
    let fact = editor.fact(bias, at: index), columns = editor.fact(b, at: index).extent(1)
    guard fact.rank == 1, let columns, fact.extent(0) == columns else { return false }
    let sum = editor.addValue()
    editor.insert(try Node(MatMul.self, name: name, inputs: [a, b], outputs: [sum]), before: index)
    editor.replace(index, with: try Node(Add.self, name: name, inputs: [sum, bias], outputs: outputs))
    return true
  }
}
