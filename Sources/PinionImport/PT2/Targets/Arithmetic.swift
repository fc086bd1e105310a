import PinionBase
import PinionGraph
import PinionTensor

/// Targets of two or three operands with PyTorch's promotion.
extension Lowering {
  func arithmetic(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "add", "sub", "subtract", "rsub", "mul", "multiply", "div", "divide", "true_divide", "floor_divide", "remainder", "fmod", "pow", "float_power",
      "maximum", "minimum", "fmax", "fmin", "atan2", "arctan2", "hypot", "copysign", "nextafter", "logaddexp", "logaddexp2", "xlogy", "special_xlogy",
      "special_xlog1py", "heaviside", "gcd", "lcm", "ldexp", "bitwise_and", "bitwise_or", "bitwise_xor", "__and__", "__or__", "__xor__", "__lshift__", "__rshift__",
      "bitwise_left_shift", "bitwise_right_shift":
      return [try pairwise(c)]
    case "max", "min":
      guard c.key.hasSuffix(".other") else { return nil }
      return [try pairwise(c)]
    case "bitwise_not":
      let x = try c.tensor("self")
      return [try op(x.element == .bool ? "Not" : "BitwiseNot", [x])]
    case "lerp":
      let element = try c.outputElement() ?? .float32
      let start = try c.tensor("self", as: element), end = try c.tensor("end", as: element)
      return [try add(start, try mul(try term(try c.operand("weight"), element), try sub(end, start)))]
    case "addcmul", "addcdiv":
      let element = try c.outputElement() ?? .float32
      let first = try c.tensor("tensor1", as: element), second = try c.tensor("tensor2", as: element)
      let product = c.base == "addcmul" ? try mul(first, second) : try div(first, second)
      return [try add(try c.tensor("self", as: element), try scaled(product, try c.number("value")))]
    case "where": return try selection(c)
    case "masked_fill":
      let x = try c.tensor("self")
      return [try choose(try c.tensor("mask"), try term(try c.operand("value"), x.element), x)]
    default: return nil
    }
  }

  func scaled(_ term: Term, _ number: Number) throws(PinionError) -> Term {
    switch number {
    case .int(1), .float(1): term
    default: try mul(term, try scalar(number, term.element))
    }
  }

  private func selection(_ c: Call) throws(PinionError) -> [Term]? {
    let condition = try c.tensor("condition")
    guard c.has("self") else {
      let columns = try nonzeroColumns(condition)
      return columns
    }
    let a = try c.operand("self"), b = try c.operand("other")
    let element = try c.outputElement() ?? Promotion.result(of: [a, b])
    let x = try term(a, element), y = try term(b, element)
    guard x.isComplex || y.isComplex else { return [try choose(try cast(condition, .bool), x, y)] }
    let first = try complexTerm(x), second = try complexTerm(y), chooses = try cast(condition, .bool)
    return [
      try pair(
        try choose(chooses, try apply(.part(0), first), try apply(.part(0), second)),
        try choose(chooses, try apply(.part(1), first), try apply(.part(1), second)))
    ]
  }

  private func pairwise(_ c: Call) throws(PinionError) -> Term {
    let a = try c.operand("self")
    let b = try c.operand(c.base == "pow" || c.base == "float_power" ? "exponent" : c.base == "heaviside" ? "values" : "other")
    if a.isComplex || b.isComplex { return try complexPairwise(c, a, b) }
    let element = try c.outputElement() ?? Promotion.result(of: [a, b])
    let x = try term(a, element), y = try term(b, element)
    let zero = { (l: Lowering) throws(PinionError) in try l.scalar(Int64(0), element) }
    switch c.base {
    case "add":
      if element == .bool { return try binary("Or", x, y) }
      return try add(x, try scaled(y, try c.number("alpha")))
    case "sub", "subtract": return try sub(x, try scaled(y, try c.number("alpha")))
    case "rsub": return try sub(y, try scaled(x, try c.number("alpha")))
    case "mul", "multiply": return try element == .bool ? binary("And", x, y) : mul(x, y)
    case "div", "divide", "true_divide", "floor_divide":
      let mode = c.base == "floor_divide" ? "floor" : c.optionalString("rounding_mode") ?? ""
      if !mode.isEmpty, element == .float16 || element == .bfloat16, let divisor = try singleDivisor(b) {
        // One number that divides halves is not rounded to one, and neither is what lies between.
        return try cast(try quotient(try cast(x, .float32), divisor, mode), element)
      }
      if case .number(.int(let number)) = b { return try quotient(x, y, mode, isPositive: number > 0) }
      return try quotient(x, y, mode)
    case "remainder":
      let rest = try binary("Mod", x, y, ["fmod": .int(0)])
      guard element.isFloatingPoint else { return rest }
      // A remainder of zero has the sign of what is divided.
      return try choose(try equal(rest, try scalar(0.0, element)), try mul(x, 0), rest)
    case "fmod": return try binary("Mod", x, y, ["fmod": .int(1)])
    case "pow", "float_power":
      if case .number(.int(let exponent)) = b { return try power(x, Double(exponent), y) }
      if case .number(.float(let exponent)) = b { return try power(x, exponent, y) }
      return try binary("Pow", x, y)
    case "maximum": return try extreme("Max", x, y)
    case "minimum": return try extreme("Min", x, y)
    case "max": return try extreme("Max", x, y)
    case "min": return try extreme("Min", x, y)
    case "fmax", "fmin":
      let result = try extreme(c.base == "fmax" ? "Max" : "Min", x, y)
      guard element.isFloatingPoint else { return result }
      let rest = try choose(try op("IsNaN", [y], element: .bool), x, result)
      return try choose(try op("IsNaN", [x], element: .bool), y, rest)
    case "atan2", "arctan2": return try atan2(x, y)
    case "hypot": return try hypotenuse(x, y)
    case "copysign":
      let size = try op("Abs", [x])
      return try choose(try signBit(y), try op("Neg", [size]), size)
    case "nextafter": return try nextAfter(x, y)
    case "logaddexp":
      let high = try binary("Max", x, y)
      let gap = try op("Neg", [try op("Abs", [try sub(x, y)])])
      return try choose(try equal(x, y), try add(x, 0.6931471805599453), try add(high, try log1p(try op("Exp", [gap]))))
    case "logaddexp2":
      let high = try binary("Max", x, y)
      let gap = try mul(try op("Neg", [try op("Abs", [try sub(x, y)])]), 0.6931471805599453)
      return try choose(try equal(x, y), try add(x, 1), try add(high, try mul(try log1p(try op("Exp", [gap])), 1.4426950408889634)))
    case "xlogy", "special_xlogy", "special_xlog1py":
      let isZero = try op("And", [try equal(x, try zero(self)), try not(try op("IsNaN", [y], element: .bool))], dims: broadcast(x.dims, y.dims))
      let safe = try choose(isZero, try scalar(1.0, element), y)
      return try choose(isZero, try zero(self), try mul(x, c.base == "special_xlog1py" ? try log1p(safe) : try op("Log", [safe])))
    case "heaviside":
      let step = try choose(try less(x, try zero(self)), try zero(self), try scalar(Int64(1), element))
      return try choose(try equal(x, try zero(self)), y, step)
    case "gcd": return try greatestDivisor(x, y)
    case "lcm":
      let divisor = try greatestDivisor(x, y)
      let safe = try choose(try equal(divisor, try zero(self)), try scalar(Int64(1), element), divisor)
      return try op("Abs", [try mul(try div(x, safe), y)])
    case "ldexp": return try mul(x, try binary("Pow", try scalar(2.0, element), y))
    case "bitwise_and", "__and__": return try binary(element == .bool ? "And" : "BitwiseAnd", x, y)
    case "bitwise_or", "__or__": return try binary(element == .bool ? "Or" : "BitwiseOr", x, y)
    case "bitwise_xor", "__xor__": return try binary(element == .bool ? "Xor" : "BitwiseXor", x, y)
    case "__lshift__", "bitwise_left_shift", "__rshift__", "bitwise_right_shift":
      guard element.isInteger else { throw .unsupported("shifts of \(element)") }
      // By more places than there are, or by fewer than none, a shift leaves zero, and the sign to the right.
      return try binary("BitShift", x, y, ["direction": .string(c.base == "__rshift__" || c.base == "bitwise_right_shift" ? "RIGHT" : "LEFT")])
    default: throw .internal("an arithmetic target without a mapping")
    }
  }

  /// A divisor of one element in single precision, as it is before it takes the type of what it divides.
  private func singleDivisor(_ operand: Operand) throws(PinionError) -> Term? {
    if case .tensor(let term) = operand {
      guard term.dims.allSatisfy({ $0 == 1 }) else { return nil }
    }
    return try term(operand, .float32)
  }

  func extreme(_ name: String, _ x: Term, _ y: Term) throws(PinionError) -> Term {
    guard x.element == .bool else { return try binary(name, x, y) }
    return try binary(name == "Max" ? "Or" : "And", x, y)
  }

  private func power(_ x: Term, _ exponent: Double, _ y: Term) throws(PinionError) -> Term {
    switch exponent {
    case 1: return x
    case 2: return try mul(x, x)
    case 3: return try mul(try mul(x, x), x)
    case 0.5 where x.element.isFloatingPoint: return try op("Sqrt", [x])
    case -1 where x.element.isFloatingPoint: return try op("Reciprocal", [x])
    case -0.5 where x.element.isFloatingPoint: return try op("Reciprocal", [try op("Sqrt", [x])])
    default: return try binary("Pow", x, y)
    }
  }

  /// Division, rounded towards zero for `trunc` and down for `floor`.
  /// - Parameter isPositive: that an integer divisor is known to be greater than 0.
  func quotient(_ x: Term, _ y: Term, _ mode: String, isPositive: Bool = false) throws(PinionError) -> Term {
    switch mode {
    case "": return try div(x, y)
    case "trunc": return x.element.isFloatingPoint ? try truncated(try div(x, y)) : try div(x, y)
    case "floor":
      if x.element.isFloatingPoint { return try flooredQuotient(x, y) }
      let whole = try div(x, y)
      guard x.element.isSignedInteger else { return whole }
      // One less where something is left whose sign is not the divisor's. No step leaves the type: the product is not further from zero
      // than the dividend.
      let rest = try sub(x, try mul(whole, y)), zero = try scalar(Int64(0), x.element)
      var isBelow = try less(isPositive ? rest : try binary("BitwiseXor", rest, y), zero)
      if !isPositive { isBelow = try op("And", [isBelow, try not(try equal(rest, zero))], dims: isBelow.dims) }
      return try sub(whole, try cast(isBelow, x.element))
    default: throw .unsupported("rounding_mode '\(mode)'")
    }
  }

  /// The quotient of real numbers rounded down, as Python has it: what is left by whole divisors is taken off before the division, whose own
  /// rounding may otherwise lift it to the next whole number.
  private func flooredQuotient(_ x: Term, _ y: Term) throws(PinionError) -> Term {
    let element = x.element, zero = try scalar(0.0, element), one = try scalar(1.0, element)
    let ratio = try div(x, y), rest = try binary("Mod", x, y, ["fmod": .int(1)])
    let differs = try op("Xor", [try less(y, zero), try less(rest, zero)], dims: rest.dims)
    let isBelow = try op("And", [differs, try not(try equal(rest, zero))], dims: rest.dims)
    let whole = try sub(try div(try sub(x, rest), y), try cast(isBelow, element))
    let floor = try op("Floor", [whole])
    let isAbove = try less(try scalar(0.5, element), try sub(whole, floor))
    var result = try choose(isAbove, try add(floor, one), floor)
    // Zero has the sign of the ratio.
    result = try choose(try equal(whole, zero), try mul(ratio, zero), result)
    return try choose(try equal(y, zero), ratio, result)
  }

  /// The length of (x, y), whose squares may be beyond the type where it is not.
  private func hypotenuse(_ x: Term, _ y: Term) throws(PinionError) -> Term {
    if x.element == .float16 || x.element == .bfloat16 {
      return try cast(try hypotenuse(try cast(x, .float32), try cast(y, .float32)), x.element)
    }
    if x.element == .float32 {
      // No square of a number of single precision is beyond a double, or lost in it.
      let a = try cast(x, .float64), b = try cast(y, .float64)
      return try finiteLength(x, y, try cast(try op("Sqrt", [try add(try mul(a, a), try mul(b, b))]), .float32))
    }
    let a = try op("Abs", [x]), b = try op("Abs", [y])
    let high = try binary("Max", a, b), low = try binary("Min", a, b), zero = try scalar(0.0, x.element)
    let slope = try div(low, try choose(try equal(high, zero), try scalar(1.0, x.element), high))
    return try finiteLength(x, y, try mul(high, try op("Sqrt", [try add(try mul(slope, slope), 1)])))
  }

  /// A length, which is infinite where one of its sides is, even if the other is no number.
  private func finiteLength(_ x: Term, _ y: Term, _ length: Term) throws(PinionError) -> Term {
    let isInfinite = try binary("Or", try op("IsInf", [x], element: .bool), try op("IsInf", [y], element: .bool))
    return try choose(isInfinite, try scalar(.infinity, x.element), length)
  }

  func atan2(_ b: Term, _ a: Term) throws(PinionError) -> Term {
    let element = a.element
    if element == .float16 || element == .bfloat16 { return try cast(try atan2(try cast(b, .float32), try cast(a, .float32)), element) }
    // Of two infinities only the signs count.
    let isEndless = try binary("And", try op("IsInf", [a], element: .bool), try op("IsInf", [b], element: .bool))
    let x = try choose(isEndless, try op("Sign", [a]), a), y = try choose(isEndless, try op("Sign", [b]), b)
    let zero = try scalar(0.0, element), pi = try scalar(3.141592653589793, element), right = try scalar(1.5707963267948966, element)
    let isUpright = try equal(x, zero)
    let angle = try op("Atan", [try div(y, try choose(isUpright, try scalar(1.0, element), x))])
    let turned = try choose(try signBit(y), try sub(angle, pi), try add(angle, pi))
    var result = try choose(try less(x, zero), turned, angle)
    let upright = try mul(try op("Sign", [y]), right)
    result = try choose(isUpright, upright, result)
    // On the axis itself: 0 or pi, with the sign of y.
    let flat = try choose(try signBit(x), try choose(try signBit(y), try op("Neg", [pi]), pi), y)
    let isOrigin = try op("And", [isUpright, try equal(y, zero)], element: .bool, dims: broadcast(x.dims, y.dims))
    return try choose(isOrigin, flat, result)
  }

  /// Whether a number bears a minus, that of zero included.
  func signBit(_ x: Term) throws(PinionError) -> Term {
    guard x.element.isFloatingPoint else { return try less(x, try scalar(Int64(0), x.element)) }
    let single = x.element == .float64 ? x : try cast(x, .float32)
    let bits = try apply(.bits(single.element == .float64 ? .int64 : .int32), single)
    return try less(bits, try scalar(Int64(0), bits.element))
  }

  private func nextAfter(_ x: Term, _ y: Term) throws(PinionError) -> Term {
    let integer: ElementType
    switch x.element {
    case .float32: integer = .int32
    case .float64: integer = .int64
    default: throw .unsupported("nextafter of \(x.element)")
    }
    let zero = try scalar(0.0, x.element), one = try scalar(Int64(1), integer)
    let bits = try apply(.bits(integer), x)
    let isAway = try op("Not", [try op("Xor", [try less(zero, x), try less(x, y)], element: .bool, dims: broadcast(x.dims, y.dims))])
    let stepped = try apply(.bits(x.element), try choose(isAway, try add(bits, one), try sub(bits, one)))
    let smallest = try apply(.bits(x.element), one)
    let fromZero = try choose(try less(zero, y), smallest, try op("Neg", [smallest]))
    var result = try choose(try equal(x, zero), fromZero, stepped)
    result = try choose(try equal(x, y), y, result)
    let hasNone = try op("Or", [try op("IsNaN", [x], element: .bool), try op("IsNaN", [y], element: .bool)], dims: broadcast(x.dims, y.dims))
    return try choose(hasNone, try add(x, y), result)
  }

  private func greatestDivisor(_ x: Term, _ y: Term) throws(PinionError) -> Term {
    // Euclid's steps, as many as numbers of 64 bits can need: after each, a is the divisor and b the rest.
    var a = try op("Abs", [x]), b = try op("Abs", [y])
    let zero = try scalar(Int64(0), x.element), one = try scalar(Int64(1), x.element)
    let steps = x.element.byteWidth == 8 ? 92 : x.element.byteWidth == 4 ? 46 : 24
    for _ in 0..<steps {
      let isDone = try equal(b, zero)
      let rest = try choose(isDone, zero, try binary("Mod", a, try choose(isDone, one, b), ["fmod": .int(0)]))
      a = try choose(isDone, a, b)
      b = rest
    }
    return a
  }
}
