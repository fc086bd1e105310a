import PinionBase
import PinionGraph
import PinionTensor

/// Complex numbers, which are pairs along one more axis at the end.
extension Lowering {
  /// Operators that do to a pair what they do to a number: those that move elements, and sums.
  static let takingPairs: Set<String> = [
    "Add", "Cast", "Compress", "Concat", "CumSum", "Expand", "Gather", "GatherND", "Identity", "Neg", "Pad", "ReduceSum", "Reshape", "ScatterND",
    "Slice", "Split", "Squeeze", "Sub", "Tile", "Transpose", "Unsqueeze",
  ]

  func pair(_ real: Term, _ imaginary: Term) throws(PinionError) -> Term {
    let dims = broadcast(real.dims, imaginary.dims)
    func half(_ term: Term) throws(PinionError) -> Term {
      if term.rank == dims.count, term.dims == dims { return try unsqueeze(term, [term.rank]) }
      let other = term.id == real.id ? imaginary : real
      return try unsqueeze(try expand(term, try extents(try add(try mul(other, 0), term))), [dims.count])
    }
    var result = try concat([try half(real), try half(imaginary)], dims.count)
    result.dims = dims
    result.isComplex = true
    return result
  }

  func complexTerm(_ term: Term) throws(PinionError) -> Term {
    term.isComplex ? term : try pair(term, try expand(try scalar(0.0, term.element), like: term))
  }

  func halves(_ term: Term) throws(PinionError) -> (real: Term, imaginary: Term) {
    let term = try complexTerm(term)
    return (try apply(.part(0), term), try apply(.part(1), term))
  }

  func conjugate(_ term: Term) throws(PinionError) -> Term {
    let x = try halves(term)
    return try pair(x.real, try op("Neg", [x.imaginary]))
  }

  /// Each half of a complex number times or over the same real number.
  private func scaledPairs(_ name: String, _ a: Term, _ factor: Term) throws(PinionError) -> Term {
    var result = try binary(name, Term(id: a.id, element: a.element, dims: a.dims + [2]), try unsqueeze(factor, [factor.rank]))
    result.dims.removeLast()
    result.isComplex = true
    return result
  }

  func complexProduct(_ a: Term, _ b: Term) throws(PinionError) -> Term {
    if !b.isComplex { return try scaledPairs("Mul", a, b) }
    if !a.isComplex { return try scaledPairs("Mul", b, a) }
    let x = try halves(a), y = try halves(b)
    return try pair(
      try sub(try mul(x.real, y.real), try mul(x.imaginary, y.imaginary)), try add(try mul(x.real, y.imaginary), try mul(x.imaginary, y.real)))
  }

  func complexQuotient(_ a: Term, _ b: Term) throws(PinionError) -> Term {
    if !b.isComplex { return try scaledPairs("Div", a, b) }
    let y = try halves(b)
    let square = try add(try mul(y.real, y.real), try mul(y.imaginary, y.imaginary))
    return try scaledPairs("Div", try mul(a, try conjugate(b)), square)
  }

  /// Targets of two operands one of which is complex.
  func complexPairwise(_ c: Call, _ a: Operand, _ b: Operand) throws(PinionError) -> Term {
    let element = try c.outputElement() ?? .float32
    let x = try term(a, element), y = try term(b, element)
    switch c.base {
    case "add": return try add(try complexTerm(x), try complexTerm(try scaled(y, try c.number("alpha"))))
    case "sub", "subtract": return try sub(try complexTerm(x), try complexTerm(try scaled(y, try c.number("alpha"))))
    case "rsub": return try sub(try complexTerm(y), try complexTerm(try scaled(x, try c.number("alpha"))))
    case "mul", "multiply": return try mul(x, y)
    case "div", "divide", "true_divide": return try div(x, y)
    case "pow", "float_power":
      switch b {
      case .number(.int(2)), .number(.float(2)): return try mul(x, x)
      case .number(.int(3)), .number(.float(3)): return try mul(try mul(x, x), x)
      case .number(.int(-1)), .number(.float(-1)): return try div(try scalar(1.0, element), x)
      case .number where !y.isComplex:
        let number = try logarithm(x)
        return try exponential(try mul(number, y))
      default: throw .unsupported("powers of complex numbers with exponents that are tensors")
      }
    default: throw .unsupported("the target for complex numbers")
    }
  }

  private func size(_ x: (real: Term, imaginary: Term)) throws(PinionError) -> Term {
    try op("Sqrt", [try add(try mul(x.real, x.real), try mul(x.imaginary, x.imaginary))])
  }

  private func exponential(_ x: Term) throws(PinionError) -> Term {
    let x = try halves(x)
    let length = try op("Exp", [x.real])
    return try pair(try mul(length, try op("Cos", [x.imaginary])), try mul(length, try op("Sin", [x.imaginary])))
  }

  private func logarithm(_ x: Term) throws(PinionError) -> Term {
    let x = try halves(x)
    return try pair(try op("Log", [try size(x)]), try atan2(x.imaginary, x.real))
  }

  func complexFunction(_ c: Call, _ x: Term) throws(PinionError) -> [Term]? {
    switch c.base {
    case "abs", "absolute": return [try size(try halves(x))]
    case "neg", "negative": return [try op("Neg", [x])]
    case "exp": return [try exponential(x)]
    case "log": return [try logarithm(x)]
    case "reciprocal": return [try div(try scalar(1.0, x.element), x)]
    case "cos", "sin":
      let x = try halves(x)
      let sine = try op("Sin", [x.real]), cosine = try op("Cos", [x.real]), high = try op("Cosh", [x.imaginary]), low = try op("Sinh", [x.imaginary])
      if c.base == "sin" { return [try pair(try mul(sine, high), try mul(cosine, low))] }
      return [try pair(try mul(cosine, high), try op("Neg", [try mul(sine, low)]))]
    case "sqrt":
      // The root whose real half is not negative: sqrt((|x| + re) / 2) and sqrt((|x| - re) / 2) with the imaginary half's sign.
      let x = try halves(x)
      let length = try size(x)
      func root(_ number: Term) throws(PinionError) -> Term {
        try op("Sqrt", [try mul(try binary("Max", number, try scalar(0.0, number.element)), 0.5)])
      }
      let imaginary = try root(try sub(length, x.real))
      return [try pair(try root(try add(length, x.real)), try choose(try signBit(x.imaginary), try op("Neg", [imaginary]), imaginary))]
    default: throw .unsupported("the target for complex numbers")
    }
  }

  /// A sum of products by an equation: of complex operands, over the choices of a half of each.
  func einsum(_ terms: [Term], _ equation: String, dims: [Int?]?) throws(PinionError) -> Term {
    let places = terms.indices.filter { terms[$0].isComplex }
    if places.isEmpty { return try op("Einsum", terms, ["equation": .string(equation)], dims: dims) }
    guard places.count <= 4 else { throw .unsupported("einsum of more than 4 complex tensors") }
    var sums: [Term?] = [nil, nil]
    for choice in 0..<(1 << places.count) {
      var operands = terms
      var count = 0
      for (bit, place) in places.enumerated() {
        let half = choice >> bit & 1
        operands[place] = try apply(.part(half), terms[place])
        count += half
      }
      let product = try op("Einsum", operands, ["equation": .string(equation)], dims: dims)
      // i to the power of the imaginary halves: 1, i, -1, -i.
      if let sum = sums[count % 2] {
        sums[count % 2] = count % 4 < 2 ? try add(sum, product) : try sub(sum, product)
      } else {
        sums[count % 2] = product
      }
    }
    guard let real = sums[0], let imaginary = sums[1] else { throw .internal("an einsum without halves") }
    return try pair(real, imaginary)
  }
}
