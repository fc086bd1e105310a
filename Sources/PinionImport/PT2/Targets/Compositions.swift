import PinionBase
import PinionGraph
import PinionTensor

/// Targets that PyTorch itself makes of others and that the training dialect has as they are.
extension Lowering {
  func compositions(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "dist":
      let (x, y) = try promoted(.tensor(try c.tensor("self")), .tensor(try c.tensor("other")))
      return [try norm(try sub(x, y), try c.float("p"), [], keep: false)]
    case "frobenius_norm":
      let x = try c.tensor("self")
      return [try norm(x, 2, try axes(try c.ints("dim"), x.rank), keep: try c.bool("keepdim"))]
    case "linalg_vecdot":
      let (x, y) = try promoted(.tensor(try c.tensor("x")), .tensor(try c.tensor("y")))
      guard !x.isComplex else { throw .unsupported("linalg_vecdot of complex numbers") }
      let product = try mul(x, y)
      return [try sum(product, [try axis(try c.int("dim"), product.rank)])]
    case "fill_diagonal":
      let x = try c.tensor("self")
      guard x.rank == 2, try !c.bool("wrap") else { throw .unsupported("fill_diagonal of a tensor of rank \(x.rank), or around its end") }
      let isOn = try equal(try unsqueeze(try range(try extent(x, 0)), [1]), try range(try extent(x, 1)))
      return [try choose(isOn, try scalar(try c.number("fill_value"), x.element), x)]
    case "cov":
      guard !c.has("fweights"), !c.has("aweights") else { throw .unsupported("a covariance with weights") }
      return [try covariance(try c.tensor("self"), try c.number("correction"))]
    case "corrcoef":
      let covariances = try covariance(try c.tensor("self"), .int(1))
      guard covariances.rank == 2 else { return [try div(covariances, covariances)] }
      let spread = try op("Sqrt", [try diagonal(covariances, 0, 0, 1)])
      let scaled = try div(try div(covariances, try unsqueeze(spread, [1])), try unsqueeze(spread, [0]))
      return [try op("Clip", [scaled, try scalar(-1.0, scaled.element), try scalar(1.0, scaled.element)])]
    case "nonzero_static":
      let x = try c.tensor("self"), size = try c.count("size")
      let places = try transpose(try nonzero(x), [1, 0])
      let fill = try filled(try scalar(try c.int("fill_value"), .int64), [.known(size), .known(Int64(x.rank))])
      var result = try slice(try concat([places, fill], 0), 0, 0, size)
      result.dims = [Int(size), x.rank]
      return [result]
    case "_shape_as_tensor":
      let x = try c.tensor("self")
      return [Term(id: try shape(of: x), element: .int64, dims: [x.rank])]
    case "pad_sequence": return [try padded(c)]
    case "sum_to_size":
      let x = try c.tensor("self"), sizes = try c.extents("size")
      guard sizes.count <= x.rank else { throw .invalidModel("a tensor of rank \(x.rank) summed to rank \(sizes.count)") }
      let lead = x.rank - sizes.count
      let single = sizes.indices.filter { sizes[$0].known == 1 && x.dims[lead + $0] != 1 }.map { lead + $0 }
      var result = single.isEmpty ? x : try sum(x, single, keep: true)
      if lead > 0 { result = try sum(result, Array(0..<lead)) }
      return [result]
    case "combinations": return [try combinations(c)]
    case "frexp": return try fractionAndExponent(try c.tensor("self"))
    default: return nil
    }
  }

  /// Of rows, each of which is a variable and each column of which is an observation.
  private func covariance(_ given: Term, _ correction: Number) throws(PinionError) -> Term {
    guard given.rank == 1 || given.rank == 2, given.element.isFloatingPoint, !given.isComplex else {
      throw .unsupported("a covariance of a tensor of rank \(given.rank) and type \(given.element)")
    }
    let x = given.rank == 1 ? try unsqueeze(given, [0]) : given
    let centred = try sub(x, try reduce("ReduceMean", x, [1], keep: true))
    let count = try sub(try cast(try extentTerm(try extent(x, 1)), x.element), try scalar(correction, x.element))
    let result = try div(try matmul(centred, try transpose(centred, [1, 0])), try binary("Max", count, try scalar(0.0, x.element)))
    return given.rank == 1 ? try reshape(result, [] as [Int64]) : result
  }

  /// All choices of some elements of a vector, in the order of their places.
  private func combinations(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("self"), size = try c.count("r", limit: 64), repeats = try c.bool("with_replacement")
    guard x.rank == 1, let count = x.dims[0] else { throw .unsupported("combinations of a number of elements that a run decides") }
    guard size > 0 else { return try slice(x, 0, 0, 0) }
    var choices: [[Int64]] = [[]]
    for _ in 0..<size {
      var next: [[Int64]] = []
      for choice in choices {
        let first = choice.last.map { repeats ? $0 : $0 + 1 } ?? 0
        guard first < count else { continue }
        for place in first..<Int64(count) { next.append(choice + [place]) }
        guard next.count < 1 << 20 else { throw .unsupported("more than a million combinations") }
      }
      choices = next
    }
    return try gather(x, constant(try Tensor(choices.flatMap { $0 }, try Shape([choices.count, Int(size)]))), 0)
  }

  /// x = fraction · 2^exponent with a fraction from 1/2 to 1, from the bits.
  private func fractionAndExponent(_ x: Term) throws(PinionError) -> [Term] {
    let isWide = x.element == .float64
    let wide: ElementType = isWide ? .float64 : .float32, bits: ElementType = isWide ? .int64 : .int32
    let value = try cast(x, wide), zero = try scalar(0.0, wide)
    // Numbers below the smallest normal one are brought up by 2^64 first.
    let isSmall = try less(try op("Abs", [value]), try scalar(isWide ? 2.2250738585072014e-308 : 1.1754943508222875e-38, wide))
    let normal = try choose(isSmall, try mul(value, 18446744073709551616.0), value)
    let pattern = try apply(.bits(bits), normal)
    let width: Int64 = isWide ? 52 : 23, bias: Int64 = isWide ? 1022 : 126
    let mask = try scalar(((Int64(1) << (isWide ? 11 : 8)) - 1) << width, bits)
    let field = try div(try binary("BitwiseAnd", pattern, mask), try scalar(Int64(1) << width, bits))
    let lift = try choose(isSmall, try scalar(bias + 64, bits), try scalar(bias, bits))
    let half = try scalar(bias << width, bits)
    let rest = try binary("BitwiseOr", try binary("BitwiseAnd", pattern, try op("BitwiseNot", [mask])), half)
    let fraction = try apply(.bits(wide), rest)
    let isNone = try op("IsNaN", [try sub(value, value)], element: .bool)
    let isPlain = try op("Or", [isNone, try equal(value, zero)], dims: x.dims)
    return [
      try cast(try choose(isPlain, value, fraction), x.element),
      try cast(try choose(isPlain, try scalar(Int64(0), bits), try sub(field, lift)), .int32),
    ]
  }

  /// Sequences side by side, each filled up to the longest.
  private func padded(_ c: Call) throws(PinionError) -> Term {
    let list = try c.tensors("sequences")
    let isFirst = try c.bool("batch_first")
    let isLeft = c.optionalString("padding_side") == "left"
    guard let first = list.first, list.allSatisfy({ $0.rank == first.rank && $0.rank > 0 }) else { throw .invalidModel("sequences of different ranks") }
    var longest = Extent.known(0)
    // The longer of two is the one and what the other has more.
    for sequence in list { longest = try plus(longest, try excess(try extent(sequence, 0), longest)) }
    let fill = try scalar(try c.number("padding_value"), first.element)
    var rows: [Term] = []
    for sequence in list {
      var row = sequence
      let missing = try excess(longest, try extent(sequence, 0))
      if missing.known != 0 {
        var sizes = try extents(sequence)
        sizes[0] = missing
        let rest = try filled(fill, sizes)
        row = try concat(isLeft ? [rest, sequence] : [sequence, rest], 0)
        row.dims[0] = longest.known.flatMap { Int(exactly: $0) }
      }
      rows.append(try unsqueeze(row, [isFirst ? 0 : 1]))
    }
    return try concat(rows, isFirst ? 0 : 1)
  }
}
