import PinionBase
import PinionGraph
import PinionTensor

/// Targets that give truth values.
extension Lowering {
  func comparison(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "eq", "ne", "not_equal", "lt", "le", "gt", "ge", "less", "greater", "less_equal", "greater_equal":
      return [try compared(c.base, try c.operand("self"), try c.operand("other"))]
    case "logical_not": return [try not(try cast(try c.tensor("self"), .bool))]
    case "logical_and", "logical_or", "logical_xor":
      let name = c.base == "logical_and" ? "And" : c.base == "logical_or" ? "Or" : "Xor"
      return [try binary(name, try c.tensor("self", as: .bool), try c.tensor("other", as: .bool))]
    case "isnan", "isinf", "isfinite", "isposinf", "isneginf":
      let x = try c.tensor("self")
      guard x.element.isFloatingPoint else {
        let answer = try cast(try filled(try scalar(Int64(c.base == "isfinite" ? 1 : 0), .bool), try extents(x)), .bool)
        return [answer]
      }
      if c.base == "isnan" { return [try op("IsNaN", [x], element: .bool)] }
      if c.base == "isinf" { return [try op("IsInf", [x], element: .bool)] }
      if c.base == "isposinf" { return [try equal(x, try scalar(.infinity, x.element))] }
      if c.base == "isneginf" { return [try equal(x, try scalar(-.infinity, x.element))] }
      return [try less(try op("Abs", [x]), try scalar(.infinity, x.element))]
    case "signbit": return [try signBit(try c.tensor("self"))]
    case "isclose":
      let (x, y) = try promoted(try c.operand("self"), try c.operand("other"))
      let element: ElementType = x.element.isFloatingPoint ? x.element : .float32
      let a = try cast(x, element), b = try cast(y, element)
      let allowed = try add(try mul(try op("Abs", [b]), try c.float("rtol")), try c.float("atol"))
      let isNear = try binary("LessOrEqual", try op("Abs", [try sub(a, b)]), allowed, element: .bool)
      let isFinite = try less(try op("Abs", [b]), try scalar(.infinity, element))
      var result = try op("Or", [try equal(a, b), try op("And", [isNear, isFinite], dims: isNear.dims)], dims: isNear.dims)
      if try c.bool("equal_nan") {
        let both = try op("And", [try op("IsNaN", [a], element: .bool), try op("IsNaN", [b], element: .bool)], dims: isNear.dims)
        result = try op("Or", [result, both])
      }
      return [result]
    case "isin":
      // Either side may be a number.
      let x = try c.operand(c.has("element") ? "element" : "elements"), tests = try c.operand(c.has("test_element") ? "test_element" : "test_elements")
      let (a, b) = try promoted(x, tests)
      let same = try equal(try unsqueeze(a, [a.rank]), try reshape(b, [-1]))
      let found = try any(same, [a.rank], keep: false)
      return [try c.bool("invert") ? try not(found) : found]
    default: return nil
    }
  }

  func compared(_ name: String, _ a: Operand, _ b: Operand) throws(PinionError) -> Term {
    if case .tensor(let term) = a, term.isComplex { throw .unsupported("a comparison of complex numbers") }
    var (x, y) = try promoted(a, b)
    if x.element == .bool, name != "eq", name != "ne", name != "not_equal" { (x, y) = (try cast(x, .int32), try cast(y, .int32)) }
    switch name {
    case "eq": return try equal(x, y)
    case "ne", "not_equal": return try not(try equal(x, y))
    case "lt", "less": return try less(x, y)
    case "le", "less_equal": return try binary("LessOrEqual", x, y, element: .bool)
    case "gt", "greater": return try binary("Greater", x, y, element: .bool)
    default: return try binary("GreaterOrEqual", x, y, element: .bool)
    }
  }

  /// Whether any element along some axes is true.
  func any(_ term: Term, _ axes: [Int], keep: Bool) throws(PinionError) -> Term {
    try reduce("ReduceMax", try cast(term, .bool), axes, keep: keep)
  }

  func all(_ term: Term, _ axes: [Int], keep: Bool) throws(PinionError) -> Term {
    try reduce("ReduceMin", try cast(term, .bool), axes, keep: keep)
  }
}
