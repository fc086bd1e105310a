import Glibc
import PinionGraph
import PinionTensor
import Testing

/// A function by its name in ONNX and by a formula in float64.
struct UnaryFunction: CustomTestStringConvertible, Sendable {
  let name: String
  var attributes: [String: Float] = [:]
  let points: [Double]
  let formula: @Sendable (Double) -> Double
  var testDescription: String { name }
}

private let wide = [-30, -3.5, -1, -0.5, -0.25, 0, 0.125, 0.5, 0.75, 1, 2.5, 30]
private let unit = [-1, -0.75, -0.5, 0, 0.25, 0.5, 0.99, 1]

private let functions: [UnaryFunction] = [
  UnaryFunction(name: "Abs", points: wide) { abs($0) },
  UnaryFunction(name: "Neg", points: wide) { -$0 },
  UnaryFunction(name: "Sign", points: wide) { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 },
  UnaryFunction(name: "Ceil", points: wide) { $0.rounded(.up) },
  UnaryFunction(name: "Floor", points: wide) { $0.rounded(.down) },
  UnaryFunction(name: "Round", points: wide + [1.5, 2.5, -1.5, -2.5]) { $0.rounded(.toNearestOrEven) },
  UnaryFunction(name: "Sqrt", points: [0, 0.25, 2, 1e30, -1]) { sqrt($0) },
  UnaryFunction(name: "Reciprocal", points: wide) { 1 / $0 },
  UnaryFunction(name: "Exp", points: wide) { exp($0) },
  UnaryFunction(name: "Log", points: [0, 0.25, 1, 2, 1e30, -1]) { log($0) },
  UnaryFunction(name: "Erf", points: wide) { erf($0) },
  UnaryFunction(name: "Sin", points: wide) { sin($0) },
  UnaryFunction(name: "Cos", points: wide) { cos($0) },
  UnaryFunction(name: "Tan", points: [-1, 0, 0.5, 1.25]) { tan($0) },
  UnaryFunction(name: "Asin", points: unit + [2]) { asin($0) },
  UnaryFunction(name: "Acos", points: unit + [2]) { acos($0) },
  UnaryFunction(name: "Atan", points: wide) { atan($0) },
  UnaryFunction(name: "Sinh", points: wide) { sinh($0) },
  UnaryFunction(name: "Cosh", points: wide) { cosh($0) },
  UnaryFunction(name: "Tanh", points: wide) { tanh($0) },
  UnaryFunction(name: "Asinh", points: wide) { asinh($0) },
  UnaryFunction(name: "Acosh", points: [0.5, 1, 1.5, 30]) { acosh($0) },
  UnaryFunction(name: "Atanh", points: unit) { atanh($0) },
  UnaryFunction(name: "Sigmoid", points: wide) { 1 / (1 + exp(-$0)) },
  UnaryFunction(name: "ThresholdedRelu", attributes: ["alpha": 0.5], points: wide) { $0 > 0.5 ? $0 : 0 },
  UnaryFunction(name: "Elu", attributes: ["alpha": 2], points: wide) { $0 < 0 ? 2 * (exp($0) - 1) : $0 },
  UnaryFunction(name: "Celu", attributes: ["alpha": 2], points: wide) { max(0, $0) + min(0, 2 * (exp($0 / 2) - 1)) },
  UnaryFunction(name: "Selu", points: wide) { 1.0507009873554805 * ($0 > 0 ? $0 : 1.6732632423543772 * (exp($0) - 1)) },
  UnaryFunction(name: "HardSigmoid", points: wide) { max(0, min(1, 0.2 * $0 + 0.5)) },
  UnaryFunction(name: "HardSwish", points: wide) { $0 * max(0, min(1, $0 / 6 + 0.5)) },
  UnaryFunction(name: "Swish", attributes: ["alpha": 1.5], points: wide) { $0 / (1 + exp(-1.5 * $0)) },
  UnaryFunction(name: "Mish", points: wide) { $0 * tanh(log1p(exp($0))) },
  UnaryFunction(name: "Softplus", points: wide) { log1p(exp($0)) },
  UnaryFunction(name: "Softsign", points: wide) { $0 / (1 + abs($0)) },
  UnaryFunction(name: "Gelu", points: wide) { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) },
  UnaryFunction(name: "Shrink", attributes: ["lambd": 1, "bias": 0.5], points: wide) { $0 < -1 ? $0 + 0.5 : $0 > 1 ? $0 - 0.5 : 0 },
]

@Suite struct UnaryFunctionsTests {
  @Test(arguments: functions) func float32(_ function: UnaryFunction) throws {
    let x = function.points.map(Float.init)
    let y = try evaluate(function.name, attributes: function.attributes.mapValues { .float($0) }, [try tensor(x, [x.count])])
    try expect(y, near: x.map { Float(function.formula(Double($0))) }, [x.count])
  }

  @Test(arguments: functions) func float64(_ function: UnaryFunction) throws {
    let y = try evaluate(
      function.name, attributes: function.attributes.mapValues { .float($0) }, [try tensor(function.points, [1, function.points.count])])
    #expect(y.shape.dims == [1, function.points.count])
    for (a, x) in zip(try y.elements(as: Double.self), function.points) {
      let b = function.formula(x)
      // The attributes' defaults are float32 numbers.
      #expect(a == b || (a.isNaN && b.isNaN) || abs(a - b) <= 1e-7 * max(1, abs(b)), "\(function.name) of \(x)")
    }
  }

  @Test(arguments: functions) func float16(_ function: UnaryFunction) throws {
    let x = function.points.map { Float16($0) }
    let y = try evaluate(function.name, attributes: function.attributes.mapValues { .float($0) }, [try tensor(x, [x.count])])
    for (a, x) in zip(try y.elements(as: Float16.self), x) {
      let b = Float16(function.formula(Double(x)))
      #expect(a == b || (a.isNaN && b.isNaN) || abs(a - b) <= 2e-3 * max(1, abs(b)), "\(function.name) of \(x)")
    }
  }

  /// 0.5 * x * (1 + erf(x / sqrt(2))) of minus infinity is minus infinity times 0.
  @Test func geluOfExtremes() throws {
    let y = try evaluate("Gelu", [try tensor([-.infinity, .infinity, -1e30, 1e30, .nan] as [Float], [5])])
    try expect(y, near: [.nan, .infinity, 0, 1e30, .nan], [5], tolerance: 0)
  }

  @Test func geluByTanh() throws {
    let x: [Float] = [-2, -0.5, 0, 1, 3]
    let y = try evaluate("Gelu", attributes: ["approximate": .string("tanh")], [try tensor(x, [5])])
    try expect(y, near: x.map { 0.5 * $0 * (1 + tanhf(0.7978845608 * ($0 + 0.044715 * $0 * $0 * $0))) }, [5])
  }

  @Test func integers() throws {
    try expect(try evaluate("Abs", [try tensor([-128, -3, 0, 7] as [Int8], [4])]), [-128, 3, 0, 7] as [Int8], [4])
    try expect(try evaluate("Neg", [try tensor([-5, 0, 7] as [Int64], [3])]), [5, 0, -7] as [Int64], [3])
    try expect(try evaluate("Sign", [try tensor([0, 9] as [UInt16], [2])]), [0, 1] as [UInt16], [2])
    try expect(try evaluate("BitwiseNot", [try tensor([0, 0xf0] as [UInt8], [2])]), [0xff, 0x0f] as [UInt8], [2])
    let shrunk = try evaluate(
      "Shrink", attributes: ["lambd": .float(1.5), "bias": .float(1.5)], [try tensor([-4, -1, 0, 1, 3] as [Int32], [5])])
    try expect(shrunk, [-2, 0, 0, 0, 1] as [Int32], [5])
  }

  @Test func notOfBools() throws {
    try expect(try evaluate("Not", [try tensor([true, false], [2])]), [false, true], [2])
  }

  @Test func typesWithoutKernelAreRejected() throws {
    #expect(throws: (any Error).self) { try evaluate("Exp", [try tensor([1] as [Int32], [1])]) }
    #expect(throws: (any Error).self) { try evaluate("Not", [try tensor([1] as [Float], [1])]) }
  }

  @Test func longInputRunsInParallel() throws {
    let x = (0..<100_000).map { Float($0) / 1000 }
    try expect(try evaluate("Sqrt", [try tensor(x, [100, 1000])]), near: x.map { $0.squareRoot() }, [100, 1000])
  }
}
