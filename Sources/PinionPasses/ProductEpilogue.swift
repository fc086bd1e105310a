import PinionBase
import PinionGraph
import PinionTensor

extension GraphEditor {
  /// Puts a FusedMatMul in the place of the node at `index`, made of the product at `producer` and changes to it.
  fileprivate mutating func replace(
    _ index: Int, withProduct producer: Int, _ context: PassContext, _ change: (inout Node) -> Void
  ) throws(PinionError) {
    var node = graph.nodes[producer]
    change(&node)
    let fused = try context.resolver.node(
      "FusedMatMul", domain: "pinion", name: node.name, attributes: node.attributes, inputs: node.inputs,
      outputs: graph.nodes[index].outputs)
    replace(index, with: fused)
  }

  /// A MatMul whose result only one node reads, without what comes after the product.
  fileprivate func plainProduct(_ value: ValueID?) -> Int? {
    guard let node = soleProducer(value, "MatMul", "pinion::FusedMatMul"), graph.nodes[node].inputs.count == 2,
      graph.nodes[node].attributes["activation"] == nil
    else { return nil }
    return node
  }
}

/// MatMul plus a vector with a number for each column.
struct ProductBias: Rule {
  let anchors = ["Add"]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    for slot in 0..<2 {
      guard let value = editor.input(index, slot), let product = editor.plainProduct(value), let bias = editor.other(index, than: value),
        editor.isFusible(product)
      else { continue }
      let isTransposed = editor[product].attributes["transB"] == .int(1)
      let weights = editor.fact(editor.input(product, 1), at: index), fact = editor.fact(bias, at: index)
      guard fact.rank == 1, let rank = weights.rank, rank > 1, let columns = weights.extent(isTransposed ? -2 : -1),
        fact.extent(0) == columns, editor[product].attributes["transBatchB"] ?? .int(0) == .int(0)
      else { continue }
      try editor.replace(index, withProduct: product, context) {
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
  let anchors = ["Mul", "Div"]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let (number, slot, other) = editor.numberAndOther(index), let product = editor.plainProduct(other), editor.isFusible(product),
      editor.name(index) == "Mul" || (slot == 1 && number != 0)
    else { return false }
    var alpha = editor.name(index) == "Mul" ? number : 1 / number
    if case .float(let value)? = editor[product].attributes["alpha"] { alpha *= Double(value) }
    guard isModestFactor(alpha) else { return false }
    try editor.replace(index, withProduct: product, context) { $0.attributes["alpha"] = .float(Float(alpha)) }
    return true
  }
}

/// MatMul of matrices that a Transpose makes of others.
struct ProductOfTransposed: Rule {
  let anchors = ["MatMul", "pinion::FusedMatMul"]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard editor[index].attributes["transBatchA"] == nil, editor[index].attributes["transBatchB"] == nil, editor.isFusible(index) else {
      return false
    }
    for (slot, name) in [(0, "transA"), (1, "transB")] {
      guard let transpose = editor.soleProducer(editor.input(index, slot), "Transpose"), let source = editor.input(transpose, 0),
        case .ints(let permutation)? = editor[transpose].attributes["perm"], permutation.count > 1
      else { continue }
      let rank = Int64(permutation.count)
      guard permutation == Array(0..<(rank - 2)) + [rank - 1, rank - 2] else { continue }
      let isTransposed = editor[index].attributes[name] == .int(1)
      try editor.replace(index, withProduct: index, context) {
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
  let anchors = ["Mul", "Div"]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let (constant, slot, other) = editor.constantAndOther(index), editor.name(index) == "Mul" || slot == 1,
      let product = editor.soleProducer(other, "MatMul"), let weights = editor.constant(editor.input(product, 1)),
      weights.element == .float32, weights.shape.rank == 2, constant.shape.rank <= 1, var factors = constant.numbers,
      factors.count == weights.shape[1] || factors.count == 1
    else { return false }
    let columns = weights.shape[1]
    if factors.count == 1, columns != 1 { factors = [Double](repeating: factors[0], count: columns) }
    if editor.name(index) == "Div" {
      guard !factors.contains(0) else { return false }
      factors = factors.map { 1 / $0 }
    }
    guard factors.allSatisfy(isModestFactor) else { return false }
    let scaled = try Tensor(weights.type)
    let source = try weights.unsafeElements(as: Float.self), target = try scaled.mutableElements(as: Float.self)
    for row in 0..<weights.shape[0] {
      for column in 0..<columns {
        let position = row &* columns &+ column
        target[position] = Float(Double(source[position]) * factors[column])
      }
    }
    let node = try context.resolver.node(
      "MatMul", name: editor[product].name, inputs: [editor.input(product, 0), editor.addConstant(scaled)], outputs: editor[index].outputs)
    editor.replace(index, with: node)
    return true
  }
}
