import PinionBase
import PinionGraph
import PinionTensor

/// Functions that ONNX has no operators for, composed of elementary ones.
extension Lowering {
  /// The polynomial with these coefficients, that of the highest power first.
  private func polynomial(_ x: Term, _ coefficients: [Double]) throws(PinionError) -> Term {
    var result = try scalar(coefficients[0], x.element)
    for coefficient in coefficients.dropFirst() { result = try add(try mul(result, x), try scalar(coefficient, x.element)) }
    return result
  }

  /// Giles' approximation, good to the last bits of float32.
  func erfinv(_ x: Term) throws(PinionError) -> Term {
    let one = try scalar(1.0, x.element)
    let w = try op("Neg", [try op("Log", [try mul(try sub(one, x), try add(one, x))])])
    let near = try polynomial(
      try add(w, -2.5),
      [
        2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941,
      ])
    let far = try polynomial(
      try add(try op("Sqrt", [w]), -3),
      [
        -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682,
      ])
    var result = try mul(try choose(try less(w, try scalar(5.0, x.element)), near, far), x)
    // Newton's steps towards erf(y) = x, each of which doubles the digits.
    for _ in 0..<(x.element == .float64 ? 2 : 0) {
      let slope = try mul(try op("Exp", [try op("Neg", [try mul(result, result)])]), 1.1283791670955126)
      result = try sub(result, try div(try sub(try op("Erf", [result]), x), slope))
    }
    let isEnd = try equal(try op("Abs", [x]), one)
    return try choose(isEnd, try mul(x, .infinity), result)
  }

  /// Lanczos' approximation in float64, with the reflection for x < 0.5.
  func lgamma(_ input: Term) throws(PinionError) -> Term {
    let x = try cast(input, .float64)
    let half = try scalar(0.5, .float64), one = try scalar(1.0, .float64)
    let isLow = try less(x, half)
    let z = try add(try choose(isLow, try sub(one, x), x), -1)
    let coefficients: [Double] = [
      676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012,
      9.9843695780195716e-6, 1.5056327351493116e-7,
    ]
    var series = try scalar(0.99999999999980993, .float64)
    for (index, coefficient) in coefficients.enumerated() {
      series = try add(series, try div(try scalar(coefficient, .float64), try add(z, Double(index + 1))))
    }
    let t = try add(z, 7.5)
    var result = try mul(try add(z, 0.5), try op("Log", [t]))
    result = try add(try sub(try add(result, 0.9189385332046727), t), try op("Log", [series]))
    let pi = 3.141592653589793
    let sine = try op("Abs", [try op("Sin", [try mul(try sub(x, try op("Floor", [x])), pi)])])
    let reflected = try sub(try sub(try scalar(1.1447298858494002, .float64), try op("Log", [sine])), result)
    var value = try choose(isLow, reflected, result)
    let isInfinite = try op("IsInf", [x], element: .bool)
    value = try choose(isInfinite, try scalar(.infinity, .float64), value)
    return try cast(value, input.element)
  }

  /// The asymptotic series past 8 in float64, reached by the recurrence, with the reflection for negative numbers.
  func digamma(_ input: Term) throws(PinionError) -> Term {
    let x = try cast(input, .float64)
    let zero = try scalar(0.0, .float64), one = try scalar(1.0, .float64)
    let isLow = try less(x, zero)
    var z = try choose(isLow, try sub(one, x), x)
    var shifted = zero
    for _ in 0..<8 {
      shifted = try add(shifted, try op("Reciprocal", [z]))
      z = try add(z, 1)
    }
    let inverse = try op("Reciprocal", [try mul(z, z)])
    let series = try mul(inverse, try polynomial(inverse, [1.0 / 240, -1.0 / 252, 1.0 / 120, -1.0 / 12]))
    var result = try add(try sub(try op("Log", [z]), try mul(try op("Reciprocal", [z]), 0.5)), series)
    result = try sub(result, shifted)
    let pi = 3.141592653589793
    let fraction = try sub(x, try op("Floor", [x]))
    let angle = try mul(fraction, pi)
    let reflection = try mul(try div(try op("Cos", [angle]), try op("Sin", [angle])), pi)
    var value = try choose(isLow, try sub(result, reflection), result)
    value = try choose(try equal(x, zero), try scalar(-.infinity, .float64), value)
    let isPole = try op("And", [isLow, try equal(fraction, zero)], element: .bool, dims: x.dims)
    value = try choose(isPole, try scalar(.nan, .float64), value)
    return try cast(value, input.element)
  }

  /// (-1)^(n+1) n! ζ(n + 1, x) by Euler and Maclaurin, for x > 0.
  func polygamma(_ order: Int64, _ input: Term) throws(PinionError) -> Term {
    if order == 0 { return try digamma(input) }
    guard order > 0, order < 20 else { throw .unsupported("polygamma of order \(order)") }
    let s = Double(order + 1)
    var z = try cast(input, .float64)
    var sum = try scalar(0.0, .float64)
    for _ in 0..<12 {
      sum = try add(sum, try pow(z, -s))
      z = try add(z, 1)
    }
    sum = try add(sum, try div(try pow(z, 1 - s), s - 1))
    sum = try add(sum, try mul(try pow(z, -s), 0.5))
    // B(2k) / (2k)! times s (s+1) ... (s+2k-2).
    var rising = s
    for (k, factor) in [1.0 / 12, -1.0 / 720, 1.0 / 30240, -1.0 / 1_209_600].enumerated() {
      sum = try add(sum, try mul(try pow(z, -s - Double(2 * k + 1)), factor * rising))
      rising *= (s + Double(2 * k + 1)) * (s + Double(2 * k + 2))
    }
    let factorial = (1...Double(order).rounded().asCount).reduce(1.0) { $0 * Double($1) }
    return try cast(try mul(sum, order % 2 == 0 ? -factorial : factorial), input.element)
  }

  /// The modified Bessel function of order 0 or 1 in float64: its series up to 20, the asymptotic one past it.
  /// - Parameter isScaled: whether it is divided by exp(|x|).
  func besselI(_ order: Int, _ input: Term, isScaled: Bool) throws(PinionError) -> Term {
    let limit = 20.0
    let x = try cast(input, .float64)
    let size = try op("Abs", [x]), edge = try scalar(limit, .float64)
    let small = try binary("Min", size, edge), large = try binary("Max", size, edge)
    let quarter = try mul(try mul(small, small), 0.25)
    // (x²/4)^k / (k! (k + order)!), each coefficient by the one before.
    var coefficients = [1.0]
    for k in 1..<36 { coefficients.append(coefficients[k - 1] / Double(k * (k + order))) }
    var low = try polynomial(quarter, coefficients.reversed())
    if order == 1 { low = try mul(low, try mul(small, 0.5)) }
    if isScaled { low = try mul(low, try op("Exp", [try op("Neg", [small])])) }
    var tail = [1.0]
    for k in 1..<26 { tail.append(tail[k - 1] * Double((2 * k - 1) * (2 * k - 1) - 4 * order * order) / Double(8 * k)) }
    var high = try div(try polynomial(try op("Reciprocal", [large]), tail.reversed()), try op("Sqrt", [try mul(large, 6.283185307179586)]))
    if !isScaled { high = try mul(high, try op("Exp", [large])) }
    var result = try choose(try less(size, edge), low, high)
    if order == 1 { result = try choose(try less(x, try scalar(0.0, .float64)), try op("Neg", [result]), result) }
    return try cast(try choose(try op("IsNaN", [x], element: .bool), x, result), input.element)
  }
}

extension Double {
  /// A small whole number.
  fileprivate var asCount: Int { Int(exactly: self) ?? 1 }
}
