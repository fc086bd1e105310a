import PinionBase
import PinionGraph
import PinionTensor

/// Targets that map each element of one tensor.
extension Lowering {
  private static let plain: [String: String] = [
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "exp": "Exp", "neg": "Neg", "abs": "Abs", "sqrt": "Sqrt", "reciprocal": "Reciprocal",
    "cos": "Cos", "sin": "Sin", "tan": "Tan", "asin": "Asin", "acos": "Acos", "atan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "asinh": "Asinh",
    "acosh": "Acosh", "atanh": "Atanh", "log": "Log", "erf": "Erf", "special_erf": "Erf", "selu": "Selu", "mish": "Mish", "hardswish": "HardSwish",
    "arcsin": "Asin", "arccos": "Acos", "arctan": "Atan", "arcsinh": "Asinh", "arccosh": "Acosh",
    "arctanh": "Atanh", "negative": "Neg", "absolute": "Abs", "special_expit": "Sigmoid",
  ]
  private static let keepingIntegers: [String: String] = ["floor": "Floor", "ceil": "Ceil", "sign": "Sign", "sgn": "Sign"]

  func elementwise(_ c: Call) throws(PinionError) -> [Term]? {
    if let name = Lowering.plain[c.base] {
      let input = try c.tensor("self")
      if input.isComplex { return try complexFunction(c, input) }
      if c.base == "neg", input.element.isInteger, !input.element.isSignedInteger { return [try sub(try scalar(Int64(0), input.element), input)] }
      if c.base == "selu", input.element == .float64 { return [try exponentialUnit(input, alpha: 1.6732632423543772, scale: 1.0507009873554805, inputScale: 1)] }
      return [try op(name, [try cast(input, try c.outputElement() ?? input.element)])]
    }
    if let name = Lowering.keepingIntegers[c.base] {
      let input = try c.tensor("self")
      let isSign = c.base == "sign" || c.base == "sgn"
      if input.element == .bool || input.element.isInteger && !isSign { return [input] }
      let result = try op(name, [input])
      guard isSign, input.element.isFloatingPoint, !input.isComplex else { return [result] }
      // What is no number is neither above nor below zero.
      return [try choose(try op("IsNaN", [input], element: .bool), try scalar(0.0, input.element), result)]
    }
    if let result = try activation(c) { return [result] }
    return try function(c)
  }

  private func input(_ c: Call) throws(PinionError) -> Term {
    let input = try c.tensor("self")
    return try cast(input, try c.outputElement() ?? input.element)
  }

  private func activation(_ c: Call) throws(PinionError) -> Term? {
    switch c.base {
    case "gelu": return try op("Gelu", [try input(c)], ["approximate": .string(try c.string("approximate"))])
    case "silu":
      let x = try input(c)
      return try mul(x, try op("Sigmoid", [x]))
    case "elu":
      let x = try input(c)
      let alpha = try c.float("alpha"), scale = try c.float("scale"), inputScale = try c.float("input_scale")
      if inputScale == 1, x.element != .float64 || Double(Float(alpha)) == alpha {
        return try mul(try op("Elu", [x], ["alpha": .float(Float(alpha))]), scale)
      }
      return try exponentialUnit(x, alpha: alpha, scale: scale, inputScale: inputScale)
    case "celu" where try c.outputElement() == .float64:
      let alpha = try c.float("alpha")
      return try exponentialUnit(try input(c), alpha: alpha, scale: 1, inputScale: 1 / alpha)
    case "celu": return try op("Celu", [try input(c)], ["alpha": .float(Float(try c.float("alpha")))])
    case "leaky_relu" where try c.outputElement() == .float64:
      let x = try input(c)
      return try choose(try less(x, try scalar(0.0, x.element)), try mul(x, try c.float("negative_slope")), x)
    case "leaky_relu": return try op("LeakyRelu", [try input(c)], ["alpha": .float(Float(try c.float("negative_slope")))])
    case "rrelu":
      let slope = try (c.float("lower") + c.float("upper")) / 2
      return try op("LeakyRelu", [try input(c)], ["alpha": .float(Float(slope))])
    case "hardsigmoid" where try c.outputElement() == .float64:
      let x = try input(c)
      return try op("Clip", [try div(try add(x, 3), 6), try scalar(0.0, x.element), try scalar(1.0, x.element)])
    case "hardsigmoid": return try op("HardSigmoid", [try input(c)], ["alpha": .float(1 / 6), "beta": .float(0.5)])
    case "relu6":
      let x = try input(c)
      return try op("Clip", [x, try scalar(0.0, x.element), try scalar(6.0, x.element)])
    case "hardtanh":
      let x = try input(c)
      return try op("Clip", [x, try scalar(try c.number("min_val"), x.element), try scalar(try c.number("max_val"), x.element)])
    case "log_sigmoid", "log_sigmoid_forward":
      return try op("Neg", [try op("Softplus", [try op("Neg", [try input(c)])])])
    case "softplus":
      let x = try input(c)
      let beta = try c.float("beta"), threshold = try c.float("threshold")
      let scaled = try mul(x, beta)
      let soft = try div(try op("Softplus", [scaled]), beta)
      return try choose(try less(try scalar(threshold, x.element), scaled), x, soft)
    case "softsign": return try op("Softsign", [try input(c)])
    case "hardshrink":
      let x = try input(c)
      let isSmall = try binary("LessOrEqual", try op("Abs", [x]), try scalar(try c.float("lambd"), x.element), element: .bool)
      return try choose(isSmall, try scalar(0.0, x.element), x)
    case "softshrink":
      let x = try input(c), limit = try c.float("lambd")
      let wide = x.element == .float64 ? x : try cast(x, .float32)
      let near = try op("Clip", [wide, try scalar(-limit, wide.element), try scalar(limit, wide.element)])
      return try cast(try sub(wide, near), x.element)
    case "threshold":
      let x = try input(c)
      let isBelow = try binary("LessOrEqual", x, try scalar(try c.number("threshold"), x.element), element: .bool)
      return try choose(isBelow, try scalar(try c.number("value"), x.element), x)
    case "prelu", "_prelu_kernel":
      let x = try input(c)
      var weight = try c.tensor("weight", as: x.element)
      if c.base == "prelu", x.rank > 2, weight.rank == 1, weight.dims[0] != 1 { weight = try reshape(weight, [-1] + [Int64](repeating: 1, count: x.rank - 2)) }
      return try op("PRelu", [x, weight])
    case "glu":
      let x = try c.tensor("self")
      let axis = try axis(try c.int("dim"), x.rank)
      let halves = try halves(x, axis)
      return try mul(halves.0, try op("Sigmoid", [halves.1]))
    default: return nil
    }
  }

  /// scale · x above 0, scale · alpha · (exp(x · inputScale) - 1) below
  private func exponentialUnit(_ x: Term, alpha: Double, scale: Double, inputScale: Double) throws(PinionError) -> Term {
    let low = try mul(try add(try op("Exp", [try mul(x, inputScale)]), -1), alpha * scale)
    return try choose(try less(try scalar(0.0, x.element), x), try mul(x, scale), low)
  }

  func halves(_ x: Term, _ axis: Int) throws(PinionError) -> (Term, Term) {
    var dims = x.dims
    dims[axis] = x.dims[axis].map { $0 / 2 }
    let ids = try emit("Split", [x.id], ["axis": .int(Int64(axis)), "num_outputs": .int(2)], outputs: 2)
    return (Term(id: ids[0], element: x.element, dims: dims), Term(id: ids[1], element: x.element, dims: dims))
  }

  private func function(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "clone", "lift_fresh_copy", "contiguous", "alias_copy", "detach_copy":
      return [try op("Identity", [try c.tensor("self")])]
    case "to", "_to_copy", "type_as":
      let input = try c.tensor("self")
      if input.isComplex { return [try op("Identity", [input])] }
      if let meta = c.outputMeta(), case (let element, true) = try meta.element() { return [try complexTerm(try cast(input, element))] }
      guard let element = try c.outputElement(), element != input.element else { return [try op("Identity", [input])] }
      return [try cast(input, element)]
    case "native_dropout":
      let x = try c.tensor("input")
      guard c.has("train"), try !c.bool("train") else { throw .unsupported("dropout in training; export the model after model.eval()") }
      return [try op("Identity", [x]), try expand(try scalar(Int64(1), .bool), like: x)]
    case "rrelu_with_noise_functional":
      let slope = try (c.float("lower") + c.float("upper")) / 2
      return [try op("LeakyRelu", [try input(c)], ["alpha": .float(Float(slope))]), try c.tensor("noise")]
    case "rsqrt": return [try op("Reciprocal", [try op("Sqrt", [try input(c)])])]
    case "square":
      let x = try input(c)
      return [try mul(x, x)]
    case "trunc", "fix", "frac":
      let x = try c.tensor("self")
      if x.element.isInteger { return [x] }
      let whole = try truncated(x)
      return [c.base == "frac" ? try sub(x, whole) : whole]
    case "round", "special_round":
      let x = try c.tensor("self")
      let decimals = try c.int("decimals")
      if x.element.isInteger { return [x] }
      guard decimals != 0 else { return [try op("Round", [x])] }
      guard abs(decimals) < 300 else { throw .unsupported("\(decimals) decimals") }
      var factor = 1.0
      for _ in 0..<abs(decimals) { factor *= 10 }
      if decimals > 0 { return [try div(try op("Round", [try mul(x, factor)]), factor)] }
      return [try mul(try op("Round", [try div(x, factor)]), factor)]
    case "exp2", "special_exp2":
      let x = try input(c)
      return [try binary("Pow", try scalar(2.0, x.element), x)]
    case "log2": return [try mul(try op("Log", [try input(c)]), 1.4426950408889634)]
    case "log10": return [try mul(try op("Log", [try input(c)]), 0.4342944819032518)]
    case "log1p", "special_log1p": return [try log1p(try input(c))]
    case "expm1", "special_expm1":
      let x = try input(c)
      let half = try op("Tanh", [try mul(x, 0.5)])
      let near = try div(try mul(half, 2), try add(try op("Neg", [half]), 1))
      return [try choose(try less(try op("Abs", [x]), try scalar(0.5, x.element)), near, try add(try op("Exp", [x]), -1))]
    case "erfc", "special_erfc":
      let x = try input(c)
      return [try sub(try scalar(1.0, x.element), try op("Erf", [x]))]
    case "erfinv", "special_erfinv": return [try erfinv(try input(c))]
    case "lgamma", "special_gammaln": return [try lgamma(try input(c))]
    case "digamma", "special_digamma", "special_psi": return [try digamma(try input(c))]
    case "polygamma", "special_polygamma": return [try polygamma(try c.int("n"), try input(c))]
    case "mvlgamma", "special_multigammaln":
      let x = try cast(try input(c), .float64), order = try c.count("p", limit: 64)
      var total = try scalar(Double(order * (order - 1)) / 4 * 1.1447298858494002, .float64)
      for step in 0..<order { total = try add(total, try lgamma(try add(x, -Double(step) / 2))) }
      return [try cast(total, try c.outputElement() ?? .float32)]
    case "special_ndtr":
      let x = try input(c)
      return [try mul(try add(try op("Erf", [try mul(x, 0.7071067811865476)]), 1), 0.5)]
    case "special_entr":
      let x = try input(c)
      let zero = try scalar(0.0, x.element)
      let inside = try op("Neg", [try mul(x, try op("Log", [x]))])
      let edge = try choose(try equal(x, zero), zero, inside)
      return [try choose(try less(x, zero), try scalar(-.infinity, x.element), edge)]
    case "isreal":
      let x = try c.tensor("self")
      guard x.isComplex else { return [try cast(try expand(try scalar(Int64(1), .bool), like: x), .bool)] }
      return [try equal(try apply(.part(1), x), try scalar(0.0, x.element))]
    case "i0", "special_i0", "special_modified_bessel_i0": return [try besselI(0, try input(c), isScaled: false)]
    case "special_i0e": return [try besselI(0, try input(c), isScaled: true)]
    case "special_i1", "special_modified_bessel_i1": return [try besselI(1, try input(c), isScaled: false)]
    case "special_i1e": return [try besselI(1, try input(c), isScaled: true)]
    case "special_ndtri":
      // In float64, since 2p - 1 loses what is near 0.
      let p = try cast(try input(c), .float64)
      let result = try mul(try erfinv(try add(try mul(p, 2), -1)), 1.4142135623730951)
      return [try cast(result, try c.outputElement() ?? .float32)]
    case "deg2rad": return [try mul(try input(c), 0.017453292519943295)]
    case "rad2deg": return [try mul(try input(c), 57.29577951308232)]
    case "sinc", "special_sinc":
      let x = try mul(try input(c), 3.141592653589793)
      let zero = try scalar(0.0, x.element)
      let isZero = try equal(x, zero)
      let safe = try choose(isZero, try scalar(1.0, x.element), x)
      return [try choose(isZero, try scalar(1.0, x.element), try div(try op("Sin", [safe]), safe))]
    case "logit", "special_logit":
      var x = try input(c)
      if let eps = try c.optionalFloat("eps") { x = try op("Clip", [x, try scalar(eps, x.element), try scalar(1 - eps, x.element)]) }
      return [try op("Log", [try div(x, try sub(try scalar(1.0, x.element), x))])]
    case "nan_to_num":
      let x = try input(c)
      guard !x.element.isInteger, x.element != .bool else { return [x] }
      let limit: Double = x.element == .float64 ? .greatestFiniteMagnitude : x.element == .float16 ? 65504 : x.element == .bfloat16 ? 3.3895313892515355e38
        : Double(Float.greatestFiniteMagnitude)
      let high = try scalar(try c.optionalFloat("posinf") ?? limit, x.element), low = try scalar(try c.optionalFloat("neginf") ?? -limit, x.element)
      let noNumber = try scalar(try c.optionalFloat("nan") ?? 0, x.element)
      var result = try choose(try op("IsNaN", [x], element: .bool), noNumber, x)
      result = try choose(try equal(x, try scalar(.infinity, x.element)), high, result)
      return [try choose(try equal(x, try scalar(-.infinity, x.element)), low, result)]
    case "clamp", "clip", "clamp_min", "clamp_max": return [try clamp(c)]
    case "angle":
      let x = try c.tensor("self")
      if x.isComplex { return [try atan2(try apply(.part(1), x), try apply(.part(0), x))] }
      let real = try cast(x, try c.outputElement() ?? x.element)
      let negative = try less(real, try scalar(0.0, real.element))
      let angle = try choose(negative, try scalar(3.141592653589793, real.element), try scalar(0.0, real.element))
      return [try choose(try op("IsNaN", [real], element: .bool), real, angle)]
    case "_conj", "conj_physical", "conj":
      let x = try c.tensor("self")
      guard x.isComplex else { return [x] }
      return [try conjugate(x)]
    case "adjoint", "mH", "matrix_H":
      let x = try c.tensor("self")
      guard x.isComplex, x.rank >= 2 else { return nil }
      let turned = try transpose(x, Array(0..<(x.rank - 2)) + [x.rank - 1, x.rank - 2])
      return [try conjugate(turned)]
    case "complex": return [try pair(try c.tensor("real"), try c.tensor("imag"))]
    case "polar":
      let length = try c.tensor("abs"), angle = try c.tensor("angle")
      return [try pair(try mul(length, try op("Cos", [angle])), try mul(length, try op("Sin", [angle])))]
    case "real": return [try apply(.part(0), try c.tensor("self"))]
    default: return nil
    }
  }

  func truncated(_ x: Term) throws(PinionError) -> Term {
    try mul(try op("Sign", [x]), try op("Floor", [try op("Abs", [x])]))
  }

  /// log(1 + x) with x in place of what the sum loses.
  func log1p(_ x: Term) throws(PinionError) -> Term {
    let one = try scalar(1.0, x.element)
    let sum = try add(x, one)
    let logarithm = try op("Log", [sum])
    let kept = try sub(sum, one)
    let isLost = try equal(kept, try scalar(0.0, x.element))
    let near = try choose(isLost, x, try mul(logarithm, try div(x, try choose(isLost, one, kept))))
    return try choose(try less(try op("Abs", [x]), try scalar(0.5, x.element)), near, logarithm)
  }

  private func clamp(_ c: Call) throws(PinionError) -> Term {
    let x = try input(c)
    var bounds: [Term?] = []
    // Where a bound is no number, so is the result, which Clip does not give.
    var areNumbers = true
    for name in ["min", "max"] {
      guard c.has(name) else {
        bounds.append(nil)
        continue
      }
      let bound = try c.operand(name)
      switch bound {
      case .number(.float(let value)): areNumbers = areNumbers && !value.isNaN
      case .number: break
      case .tensor(let term): areNumbers = areNumbers && term.rank == 0 && !x.element.isFloatingPoint
      }
      bounds.append(try term(bound, x.element))
    }
    if areNumbers { return try op("Clip", [x] + bounds) }
    var result = x
    if let low = bounds[0] { result = try binary("Max", result, low) }
    if let high = bounds[1] { result = try binary("Min", result, high) }
    return result
  }
}
