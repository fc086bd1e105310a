import PinionTensor

extension Recipe {
  static let products: [Recipe] = [
    Recipe("MatMul", weight: 12) { g in
      guard let x = g.tensor(commonFloats + [.bfloat16, .int32], ranks: 1...4), let element = x.element, let k = x.dims.last else { return }
      if let y = g.existing(where: { $0.element == element && $0.rank == 2 && $0.dims[0] == k }), g.random.chance(0.4) {
        g.node("MatMul", [x, y])
      } else {
        var dims = [k, g.random.pick([1, 2, 3, 5, 16, 17])]
        if x.rank > 2, g.random.chance(0.3) { dims = Array(x.dims.dropLast(2)) + dims }
        if g.random.chance(0.1) { dims = [k] }
        guard let y = g.new(element, dims) else { return }
        g.node("MatMul", [x, y])
      }
    },
    // Long sums, in which blocks and threads have to keep their order.
    Recipe("MatMul", "Gemm", weight: 2) { g in
      guard g.spec.runs.isEmpty, g.depth == 0 else { return }
      let rows = g.random.pick([1, 3, 5, 20, 64]), k = g.random.pick([768, 768, 513, 300, 1024]), columns = min(g.random.pick([32, 17, 48]), GraphMaker.limit / k)
      let element = g.random.pick([.float32, .float32, .float32, .float64, .float16, .bfloat16] as [ElementType])
      guard rows * k <= GraphMaker.limit, let x = g.new(element, [rows, k], .plain, source: .input), let w = g.new(element, [k, columns], .plain) else { return }
      if g.random.chance(0.4), let bias = g.new(element, [columns], .plain) { g.node("Gemm", [x, w, bias]) } else { g.node("MatMul", [x, w]) }
    },
    // The linear layer as exporters write it, with what passes fuse into it.
    Recipe("MatMul", "Add", "Relu", "Sigmoid", "Tanh", "Mul", weight: 6) { g in
      guard let x = g.tensor(floats, ranks: 2...3), let element = x.element, let k = x.dims.last else { return }
      let n = g.random.pick([1, 3, 4, 16])
      guard let w = g.new(element, [k, n], .plain), let p = g.node("MatMul", [x, w])?.first,
        let b = g.new(element, g.random.pick([[n], [], [1], [x.dims[x.rank - 2], 1], [x.dims[x.rank - 2], n]]))
      else { return }
      guard let s = g.node(g.random.pick(["Add", "Add", "Mul", "Sub", "Div"]), g.random.chance(0.7) ? [p, b] : [b, p])?.first else { return }
      if g.random.chance(0.6) { g.node(g.random.pick(["Relu", "Sigmoid", "Tanh"]), [s]) }
    },
    Recipe("Gemm", weight: 8) { g in
      guard let a = g.tensor(floats + [.int32], ranks: 2...2), let element = a.element else { return }
      let transA = g.random.below(2), transB = g.random.below(2)
      let m = a.dims[transA], k = a.dims[1 - transA], n = g.random.pick([1, 2, 5, 16, 17])
      guard let b = g.new(element, transB == 1 ? [n, k] : [k, n]) else { return }
      let c = g.opset < 11 || g.random.chance(0.7) ? g.new(element, g.random.pick([[n], [m, n], [1, n], [m, 1], []])) : nil
      g.node("Gemm", [a, b, c], [("transA", .int(transA)), ("transB", .int(transB))]
        + (g.random.chance(0.5) ? [("alpha", .float(0.5)), ("beta", .float(g.random.pick([0, 1, 2])))] : []))
    },
    Recipe("Einsum", from: 12) { g in
      let (a, b, i, j) = (g.random.int(1...4), g.random.int(1...4), g.random.int(1...4), g.random.int(1...5))
      let element = g.random.pick(commonFloats)
      let forms: [(String, [Int], [Int]?)] = [
        ("bij,bjk->bik", [b, i, j], [b, j, a]), ("ij,jk->ik", [i, j], [j, a]), ("ij->ji", [i, j], nil), ("ii->i", [i, i], nil), ("ij->", [i, j], nil),
        ("bij,bij->b", [b, i, j], [b, i, j]), ("i,j->ij", [i], [j]), ("...ij,...jk->...ik", [b, i, j], [b, j, a]), ("bhid,bhjd->bhij", [b, a, i, 3], [b, a, j, 3]),
      ]
      let (equation, first, second) = g.random.pick(forms)
      g.node("Einsum", [g.new(element, first)] + (second.map { [g.new(element, $0)] } ?? []), [("equation", .string(equation))])
    },
    Recipe("Det", from: 11, weight: 1) { g in
      let n = g.random.int(1...4)
      g.node("Det", [g.new(g.random.pick([.float32, .float64]), g.random.chance(0.5) ? [n, n] : [2, n, n], .plain)])
    },
  ]
}
