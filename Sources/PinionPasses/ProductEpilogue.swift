import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor

extension GraphEditor {
  /// Puts a FusedMatMul in the place of the node at `index`, made of the product at `producer` and changes to it.
  fileprivate mutating func replace(
    _ index: Int, withProduct producer: Int, _ change: (inout Node) -> Void
  ) throws(PinionError) {
    var node = graph.nodes[producer]
    change(&node)
    let fused = try Node(
      FusedMatMul.self, name: node.name, attributes: node.attributes, inputs: node.inputs,
      outputs: graph.nodes[index].outputs)
    replace(index, with: fused)
  }

  /// A MatMul whose result only one node reads, without what comes after the product.
  fileprivate func plainProduct(_ value: ValueID?) -> Int? {
    guard let node = soleProducer(value, MatMul.self, FusedMatMul.self), graph.nodes[node].inputs.count == 2,
      op(node, FusedMatMul.self)?.activation.isNone ?? true
    else { return nil }
    return node
  }

  /// How a MatMul, fused or not, takes its operands.
  fileprivate func transposition(_ index: Int) -> MatrixProduct.Transposition { op(index, FusedMatMul.self)?.transposition ?? .init() }
}

/// MatMul plus a vector with a number for each column.
struct ProductBias: Rule {
  let anchors: [any Operator.Type] = [Add.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    for slot in 0..<2 {
      guard let value = editor.input(index, slot), let product = editor.plainProduct(value), let bias = editor.other(index, than: value),
        editor.isFusible(product)
      else { continue }
      let transposition = editor.transposition(product)
      let weights = editor.fact(editor.input(product, 1), at: index), fact = editor.fact(bias, at: index)
      guard fact.rank == 1, let rank = weights.rank, rank > 1, let columns = weights.extent(transposition.b ? -2 : -1),
        fact.extent(0) == columns, !transposition.batchB
      else { continue }
      try editor.replace(index, withProduct: product) {
        $0.inputs.append(bias)
        $0.formalInputCount = 3
      }
      return true
    }
    return false
  }
}

/// MatMul times or divided by a number.
struct ProductScale: Rule {
  let anchors: [any Operator.Type] = [Mul.self, Div.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let (number, slot, other) = editor.numberAndOther(index), let product = editor.plainProduct(other), editor.isFusible(product),
      editor.kind(index) == Mul.self || (slot == 1 && number != 0)
    else { return false }
    var alpha = editor.kind(index) == Mul.self ? number : 1 / number
    if let fused = editor.op(product, FusedMatMul.self) { alpha *= Double(fused.alpha) }
    guard isModestFactor(alpha) else { return false }
    try editor.replace(index, withProduct: product) { $0.attributes["alpha"] = .float(Float(alpha)) }
    return true
  }
}

/// MatMul of matrices that a Transpose makes of others.
struct ProductOfTransposed: Rule {
  let anchors: [any Operator.Type] = [MatMul.self, FusedMatMul.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let transposition = editor.transposition(index)
    guard !transposition.batchA, !transposition.batchB, editor.isFusible(index) else { return false }
    for (slot, name, isTransposed) in [(0, "transA", transposition.a), (1, "transB", transposition.b)] {
      guard let transpose = editor.soleProducer(editor.input(index, slot), Transpose.self), let source = editor.input(transpose, 0),
        let permutation = editor.op(transpose, Transpose.self)?.permutation, permutation.count > 1
      else { continue }
      let rank = Int64(permutation.count)
      guard permutation == Array(0..<(rank - 2)) + [rank - 1, rank - 2] else { continue }
      try editor.replace(index, withProduct: index) {
        $0.inputs[slot] = source
        $0.attributes[name] = isTransposed ? nil : .int(1)
      }
      return true
    }
    return false
  }
}

/// MatMul by a constant matrix and then columns times constants: into the matrix.
struct ColumnScale: Rule {
  let anchors: [any Operator.Type] = [Mul.self, Div.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let (constant, slot, other) = editor.constantAndOther(index), editor.kind(index) == Mul.self || slot == 1,
      let product = editor.soleProducer(other, MatMul.self), let weights = editor.constant(editor.input(product, 1)),
      weights.element == .float32, weights.shape.rank == 2, constant.shape.rank <= 1, var factors = constant.numbers,
      factors.count == weights.shape[1] || factors.count == 1
    else { return false }
    let columns = weights.shape[1]
    if factors.count == 1, columns != 1 { factors = [Double](repeating: factors[0], count: columns) }
    if editor.kind(index) == Div.self {
      guard !factors.contains(0) else { return false }
      factors = factors.map { 1 / $0 }
    }
    guard factors.allSatisfy(isModestFactor) else { return false }
    guard let scaled = try context.folding.constant(weights.type, allocator: context.allocator) else { return false }
    guard let resident = try context.folding.source(weights) else { return false }
    defer { withExtendedLifetime(resident) {} }
    let source = resident.data.assumingMemoryBound(to: Float.self), target = scaled.data.assumingMemoryBound(to: Float.self)
    try factors.withUnsafeBufferPointer { (factors) throws(PinionError) in
      var poll = Poll(context.control)
      for row in 0..<weights.shape[0] {
        try poll.count(columns)
        let first = row &* columns
        for column in 0..<columns { target[first &+ column] = Float(Double(source[first &+ column]) * factors[column]) }
      }
    }
    let node = try Node(
      MatMul.self, name: editor[product].name, inputs: [editor.input(product, 0), editor.addConstant(scaled)], outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }
}
