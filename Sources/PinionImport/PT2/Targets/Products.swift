import PinionBase
import PinionGraph
import PinionTensor

/// Matrix products and what is made of them.
extension Lowering {
  func matmul(_ a: Term, _ b: Term) throws(PinionError) -> Term {
    if a.isComplex || b.isComplex {
      let x = try complexTerm(a), y = try complexTerm(b)
      let xr = try apply(.part(0), x), xi = try apply(.part(1), x), yr = try apply(.part(0), y), yi = try apply(.part(1), y)
      return try pair(
        try sub(try matmul(xr, yr), try matmul(xi, yi)), try add(try matmul(xr, yi), try matmul(xi, yr)))
    }
    if a.element.isInteger, a.element.byteWidth < 4 {
      // Sums wrap in the operands' type, as they do once the wider ones are cut to it.
      return try cast(try matmul(try cast(a, .int32), try cast(b, .int32)), a.element)
    }
    var dims: [Int?]
    if a.rank >= 2, b.rank >= 2 {
      dims = broadcast(Array(a.dims.dropLast(2)), Array(b.dims.dropLast(2))) + [a.dims[a.rank - 2], b.dims[b.rank - 1]]
    } else if a.rank >= 2 {
      dims = Array(a.dims.dropLast())
    } else if b.rank >= 2 {
      dims = b.dims
      dims.remove(at: b.rank - 2)
    } else {
      dims = []
    }
    return try op("MatMul", [a, b], dims: dims)
  }

  /// input · weightᵀ + bias
  func linear(_ input: Term, _ weight: Term, _ bias: Term?) throws(PinionError) -> Term {
    guard weight.rank == 2 else { return try biased(try matmul(input, weight), bias) }
    if input.rank == 2, !input.isComplex, !weight.isComplex, !input.element.isInteger || input.element.byteWidth >= 4 {
      let dims = [input.dims[0], weight.dims[0]]
      return try op("Gemm", [input, weight, bias], ["transB": .int(1)], dims: dims)
    }
    return try biased(try matmul(input, try transpose(weight, [1, 0])), bias)
  }

  private func biased(_ term: Term, _ bias: Term?) throws(PinionError) -> Term {
    guard let bias else { return term }
    return try add(term, bias)
  }

  func swapped(_ term: Term) throws(PinionError) -> Term {
    guard term.rank >= 2 else { return term }
    var order = Array(0..<term.rank)
    order.swapAt(term.rank - 1, term.rank - 2)
    return try transpose(term, order)
  }

  func products(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "linear": return [try linear(try c.tensor("input"), try c.tensor("weight"), try c.optionalTensor("bias"))]
    case "matmul", "linalg_matmul": return [try matmul(try c.tensor("self"), try c.tensor("other"))]
    case "mm", "bmm": return [try matmul(try c.tensor("self"), try c.tensor("mat2"))]
    case "_grouped_mm", "transformers.grouped_mm_fallback": return [try groupedProduct(c)]
    case "mv": return [try matmul(try c.tensor("self"), try c.tensor("vec"))]
    case "dot": return [try matmul(try c.tensor("self"), try c.tensor("tensor"))]
    case "vdot":
      var first = try c.tensor("self")
      if first.isComplex { first = try conjugate(first) }
      return [try matmul(first, try c.tensor("other"))]
    case "inner":
      let (a, b) = try operands(c, "self", "other")
      if a.rank == 0 || b.rank == 0 { return [try mul(a, b)] }
      if b.rank == 1 { return [try matmul(a, b)] }
      return [try tensordot(a, b, [a.rank - 1], [b.rank - 1])]
    case "outer", "ger":
      let (a, b) = try operands(c, "self", "vec2")
      return [try mul(try unsqueeze(a, [1]), try unsqueeze(b, [0]))]
    case "addmm":
      let matrix = try c.tensor("mat1"), other = try c.tensor("mat2")
      let own = try c.tensor("self")
      guard let alpha = try c.optionalFloat("alpha"), let beta = try c.optionalFloat("beta"), matrix.element.isFloatingPoint,
        !matrix.isComplex, !other.isComplex, !own.isComplex
      else {
        return [try weighted(c, own, try matmul(matrix, other))]
      }
      return [
        try op(
          "Gemm", [matrix, other, beta == 0 ? nil : own], ["alpha": .float(Float(alpha)), "beta": .float(Float(beta))],
          dims: [matrix.dims[0], other.dims[1]])
      ]
    case "addmv": return [try weighted(c, try c.tensor("self"), try matmul(try c.tensor("mat"), try c.tensor("vec")))]
    case "addbmm":
      let product = try sum(try matmul(try c.tensor("batch1"), try c.tensor("batch2")), [0])
      return [try weighted(c, try c.tensor("self"), product)]
    case "baddbmm": return [try weighted(c, try c.tensor("self"), try matmul(try c.tensor("batch1"), try c.tensor("batch2")))]
    case "addr":
      let (a, b) = try operands(c, "vec1", "vec2")
      let (own, product) = try promoted(.tensor(try c.tensor("self")), .tensor(try mul(try unsqueeze(a, [1]), try unsqueeze(b, [0]))))
      return [try weighted(c, own, product)]
    case "einsum":
      let terms = try c.tensors("tensors")
      let dims = c.outputMeta()?.knownSizes
      return [try einsum(terms, try c.string("equation"), dims: dims)]
    case "bilinear":
      let a = try c.tensor("input1"), b = try c.tensor("input2"), weight = try c.tensor("weight")
      let product = try op("Einsum", [a, weight, b], ["equation": .string("...i,oij,...j->...o")], dims: Array(a.dims.dropLast()) + [weight.dims[0]])
      return [try biased(product, try c.optionalTensor("bias"))]
    case "_trilinear":
      let a = try unsqueeze(try c.tensor("i1"), try c.ints("expand1").map(Int.init))
      let b = try unsqueeze(try c.tensor("i2"), try c.ints("expand2").map(Int.init))
      let d = try unsqueeze(try c.tensor("i3"), try c.ints("expand3").map(Int.init))
      let product = try mul(try mul(a, b), d)
      let axes = try axes(try c.ints("sumdim"), product.rank)
      return [axes.isEmpty ? product : try sum(product, axes)]
    case "tensordot":
      let a = try c.tensor("self"), b = try c.tensor("other")
      return [try tensordot(a, b, try axes(try c.ints("dims_self"), a.rank), try axes(try c.ints("dims_other"), b.rank))]
    case "linalg_multi_dot", "chain_matmul":
      let terms = try c.tensors(c.base == "chain_matmul" ? "matrices" : "tensors")
      guard var result = terms.first else { throw .invalidModel("a product of nothing") }
      for term in terms.dropFirst() { result = try matmul(result, term) }
      return [result]
    case "kron":
      var (a, b) = try operands(c, "self", "other")
      let rank = max(a.rank, b.rank)
      a = try unsqueeze(a, Array(0..<(rank - a.rank)))
      b = try unsqueeze(b, Array(0..<(rank - b.rank)))
      let product = try mul(try unsqueeze(a, (0..<rank).map { 2 * $0 + 1 }), try unsqueeze(b, (0..<rank).map { 2 * $0 }))
      var target: [Extent] = []
      for axis in 0..<rank {
        guard let x = a.dims[axis], let y = b.dims[axis] else { throw .unsupported("kron of extents that a run decides") }
        target.append(.known(Int64(x * y)))
      }
      return [try reshape(product, target)]
    case "cross", "linalg_cross":
      let (a, b) = try operands(c, "self", "other")
      let dims = broadcast(a.dims, b.dims)
      var axis = dims.firstIndex(of: 3) ?? 0
      if let given = try c.optionalInt("dim") { axis = try self.axis(given, dims.count) }
      let x = try expand(a, dims.map { .known(Int64($0 ?? -1)) }), y = try expand(b, dims.map { .known(Int64($0 ?? -1)) })
      func turned(_ term: Term, _ order: [Int64]) throws(PinionError) -> Term { try gather(term, try vectorTerm(order), axis) }
      return [
        try sub(
          try mul(try turned(x, [1, 2, 0]), try turned(y, [2, 0, 1])), try mul(try turned(x, [2, 0, 1]), try turned(y, [1, 2, 0])))
      ]
    case "cosine_similarity":
      let (a, b) = try promoted(.tensor(try c.tensor("x1")), .tensor(try c.tensor("x2")))
      let axis = try axis(try c.int("dim"), max(a.rank, b.rank, 1))
      let eps = try scalar(try c.float("eps"), a.element)
      let x = try unsqueeze(a, Array(0..<max(0, b.rank - a.rank))), y = try unsqueeze(b, Array(0..<max(0, a.rank - b.rank)))
      func length(_ term: Term) throws(PinionError) -> Term { try binary("Max", try reduce("ReduceL2", term, [axis], keep: true), eps) }
      return [try sum(try mul(try div(x, try length(x)), try div(y, try length(y))), [axis])]
    case "pairwise_distance":
      let (a, b) = try promoted(.tensor(try c.tensor("x1")), .tensor(try c.tensor("x2")))
      let gap = try add(try sub(a, b), try c.float("eps"))
      return [try norm(gap, try c.float("p"), [gap.rank - 1], keep: try c.bool("keepdim"))]
    case "cdist", "_cdist_forward":
      let a = try unsqueeze(try c.tensor("x1"), [try c.tensor("x1").rank - 1])
      let second = try c.tensor("x2")
      let b = try unsqueeze(second, [second.rank - 2])
      let gap = try sub(a, b)
      return [try norm(gap, try c.float("p"), [gap.rank - 1], keep: false)]
    case "pdist", "_pdist_forward":
      let x = try c.tensor("self")
      guard let count = x.dims[0].map(Int64.init), count < 1 << 13 else { throw .unsupported("pdist of rows whose number a run decides") }
      // Every pair of rows, of which the first comes before the second.
      func rows(_ isFirst: Bool) throws(PinionError) -> Term {
        var (row, other) = (Int64(0), Int64(0))
        return try list([count * max(count - 1, 0) / 2]) { _ in
          other += 1
          if other == count { (row, other) = (row + 1, row + 2) }
          return isFirst ? row : other
        }
      }
      let gap = try sub(try gather(x, try rows(true), 0), try gather(x, try rows(false), 0))
      return [try norm(gap, try c.float("p"), [1], keep: false)]
    default: return nil
    }
  }

  /// Two tensors of a target that multiplies their elements in the type that both have a place in.
  private func operands(_ c: Call, _ first: String, _ second: String) throws(PinionError) -> (Term, Term) {
    try promoted(.tensor(try c.tensor(first)), .tensor(try c.tensor(second)))
  }

  /// beta · own + alpha · product
  private func weighted(_ c: Call, _ own: Term, _ product: Term) throws(PinionError) -> Term {
    let weighted = try scaled(product, try c.number("alpha"))
    if case .int(0) = try c.number("beta") { return weighted }
    if case .float(0) = try c.number("beta") { return weighted }
    return try add(try scaled(own, try c.number("beta")), weighted)
  }

  func tensordot(_ a: Term, _ b: Term, _ first: [Int], _ second: [Int]) throws(PinionError) -> Term {
    guard a.rank + b.rank <= 26 else { throw .unsupported("tensordot of rank \(a.rank) and \(b.rank)") }
    let letters = Array("abcdefghijklmnopqrstuvwxyz")
    let x = Array(letters[..<a.rank])
    var y = Array(letters[a.rank..<(a.rank + b.rank)])
    for (p, q) in zip(first, second) { y[q] = x[p] }
    let left = (0..<a.rank).filter { !first.contains($0) }, right = (0..<b.rank).filter { !second.contains($0) }
    let equation = "\(String(x)),\(String(y))->\(String(left.map { x[$0] } + right.map { y[$0] }))"
    return try einsum([a, b], equation, dims: left.map { a.dims[$0] } + right.map { b.dims[$0] })
  }
}
