import Glibc
import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct LinearAndSupportVectorTests {
  private func run(_ name: String, _ attributes: [String: AttributeValue], _ input: Value, outputs: Int = 1) throws -> [Tensor] {
    try evaluate(name, domain: "ai.onnx.ml", attributes: attributes, [input], outputCount: outputs).map { try $0.asTensor() }
  }

  @Test func regressesLinearly() throws {
    let attributes: [String: AttributeValue] = ["targets": .int(2), "coefficients": .floats([1, 2, 3, 4]), "intercepts": .floats([10, 20])]
    try expect(try run("LinearRegressor", attributes, value([Float(1), 1, 0, -1], [2, 2]))[0], [Float(13), 27, 8, 16], [2, 2])
    try expect(try run("LinearRegressor", attributes, value([Int32(1), 1], [2]))[0], [Float(13), 27], [1, 2])
    #expect(throws: PinionError.self) { try run("LinearRegressor", attributes, value([Float(1), 1, 1], [1, 3])) }
  }

  // Whole numbers, so that no order of the additions shows: fewer and more features than a vector holds, and rows beyond a block.
  @Test(arguments: [1, 3, 15, 16, 37]) func manyRowsAreLinear(columns: Int) throws {
    let functions = 3
    let coefficients = (0..<functions * columns).map { Float($0 * 5 % 11 - 4) }
    for rows in [1, 4, 6, 64, 131] {
      let x = (0..<rows * columns).map { Float($0 * 7 % 13 - 6) }
      let expected = (0..<rows).flatMap { row in
        (0..<functions).map { function in
          (0..<columns).reduce(Float(function)) { $0 + x[row * columns + $1] * coefficients[function * columns + $1] }
        }
      }
      var attributes: [String: AttributeValue] = [
        "targets": .int(Int64(functions)), "coefficients": .floats(coefficients), "intercepts": .floats([0, 1, 2]),
      ]
      try expect(try run("LinearRegressor", attributes, value(x, [rows, columns]))[0], expected, [rows, functions])
      try expect(try run("LinearRegressor", attributes, value(x.map { Int32($0) }, [rows, columns]))[0], expected, [rows, functions])
      attributes["targets"] = nil
      attributes["classlabels_ints"] = .ints([7, 8, 9])
      let results = try run("LinearClassifier", attributes, value(x, [rows, columns]), outputs: 2)
      try expect(results[1], expected, [rows, functions])
      let labels = (0..<rows).map { row in
        let scores = expected[row * functions..<(row + 1) * functions]
        return 7 + Int64(scores.firstIndex(of: scores.max() ?? 0)! - row * functions)
      }
      try expect(results[0], labels, [rows])
      // Of too many coefficients the first are read, one function behind the other.
      attributes["coefficients"] = .floats(coefficients + [Float](repeating: 9, count: 2 * functions))
      try expect(try run("LinearClassifier", attributes, value(x, [rows, columns]), outputs: 2)[1], expected, [rows, functions])
    }
  }

  @Test func classifiesLinearly() throws {
    let attributes: [String: AttributeValue] = [
      "coefficients": .floats([1, 0, 0, 1, 1, 1]), "intercepts": .floats([0, 0, -1]), "classlabels_ints": .ints([5, 6, 7]),
      "post_transform": .string("SOFTMAX"),
    ]
    let results = try run("LinearClassifier", attributes, value([2.0, 0, 0, 3], [2, 2]), outputs: 2)
    try expect(results[0], [Int64(5), 6], [2])
    try expect(results[1], near: [0.66524096, 0.09003057, 0.24472847, 0.03511903, 0.70538451, 0.25949646], [2, 3])
  }

  @Test func oneFunctionDecidesBetweenTwoClasses() throws {
    let attributes: [String: AttributeValue] = [
      "coefficients": .floats([1]), "intercepts": .floats([0]), "classlabels_strings": .strings(["no", "yes"]),
      "post_transform": .string("LOGISTIC"),
    ]
    let results = try run("LinearClassifier", attributes, value([Float(1), -1], [2, 1]), outputs: 2)
    #expect(try results[0].strings() == ["yes", "no"])
    try expect(results[1], near: [0.26894142, 0.73105858, 0.73105858, 0.26894142], [2, 2])
  }

  // Kernels by their formulas: x = (1, 2), support vectors (1, 0) and (0, 1), gamma 0.5, coef0 1, degree 2.
  @Test(arguments: [
    ("LINEAR", Float(2 * 1 - 1 * 2)), ("POLY", Float(2 * 2.25 - 1 * 4)), ("RBF", Float(2 * 0.13533528 - 1 * 0.36787944)),
    ("SIGMOID", Float(2 * 0.90514825 - 1 * 0.96402758)),
  ])
  func regressesBySupportVectors(kernel: String, expected: Float) throws {
    var attributes: [String: AttributeValue] = [
      "kernel_type": .string(kernel), "kernel_params": .floats([0.5, 1, 2]), "support_vectors": .floats([1, 0, 0, 1]),
      "coefficients": .floats([2, -1]), "n_supports": .int(2), "rho": .floats([0.25]),
    ]
    try expect(try run("SVMRegressor", attributes, value([Float(1), 2], [1, 2]))[0], near: [expected + 0.25], [1, 1])
    attributes["one_class"] = .int(1)
    try expect(try run("SVMRegressor", attributes, value([Float(1), 2], [1, 2]))[0], [Float(expected + 0.25 > 0 ? 1 : -1)], [1, 1])
  }

  /// More rows than are computed at once.
  @Test(arguments: ["LINEAR", "POLY", "RBF", "SIGMOID"]) func manyRows(_ kernel: String) throws {
    let columns = 5, supports = 7, rows = 70
    let vectors = (0..<supports * columns).map { Float($0 * 5 % 7) / 4 - 0.75 }, factors = (0..<supports).map { Float($0) / 4 - 0.5 }
    let x = (0..<rows * columns).map { Float($0 * 3 % 11) / 8 - 0.5 }
    var expected: [Float] = []
    for row in 0..<rows {
      var sum = 0.125
      for vector in 0..<supports {
        var product = 0.0, distance = 0.0
        for column in 0..<columns {
          let a = Double(x[row * columns + column]), b = Double(vectors[vector * columns + column])
          product += a * b
          distance += (a - b) * (a - b)
        }
        let base = 0.5 * product + 0.25
        let value =
          switch kernel {
          case "LINEAR": product
          case "POLY": base * base * base
          case "RBF": exp(-0.5 * distance)
          default: tanh(base)
          }
        sum += value * Double(factors[vector])
      }
      expected.append(Float(sum))
    }
    let attributes: [String: AttributeValue] = [
      "kernel_type": .string(kernel), "kernel_params": .floats([0.5, 0.25, 3]), "support_vectors": .floats(vectors),
      "coefficients": .floats(factors), "n_supports": .int(Int64(supports)), "rho": .floats([0.125]),
    ]
    try expect(try run("SVMRegressor", attributes, value(x, [rows, columns]))[0], near: expected, [rows, 1])
  }

  /// Coefficients of both signs that cancel but for 1, which sums of float32 would lose.
  @Test func coefficientsThatCancelLoseNothing() throws {
    var factors: [Float] = []
    for number in 0..<500 {
      let factor = Float(1_000_003 + number * 7)
      factors += [factor, -factor]
    }
    factors.append(1)
    let ones = [Float](repeating: 1, count: factors.count)
    var attributes: [String: AttributeValue] = [
      "kernel_type": .string("LINEAR"), "kernel_params": .floats([0, 0, 0]), "support_vectors": .floats(ones), "coefficients": .floats(factors),
      "n_supports": .int(Int64(factors.count)), "rho": .floats([0.25]),
    ]
    try expect(try run("SVMRegressor", attributes, value([Float(1), 3], [2, 1]))[0], [Float(1.25), 3.25], [2, 1])
    attributes["n_supports"] = nil
    attributes["classlabels_ints"] = .ints([0, 1])
    attributes["vectors_per_class"] = .ints([Int64(factors.count) - 1, 1])
    let results = try run("SVMClassifier", attributes, value([Float(1), 3], [2, 1]), outputs: 2)
    #expect(try results[1].elements(as: Float.self) == [-1.25, 1.25, -3.25, 3.25])
  }

  // One support vector for each of three classes: the decision of pair (i, j) is x_i - x_j.
  @Test func pairsOfClassesVote() throws {
    var attributes: [String: AttributeValue] = [
      "kernel_type": .string("LINEAR"), "kernel_params": .floats([0, 0, 0]), "support_vectors": .floats([1, 0, 0, 0, 1, 0, 0, 0, 1]),
      "vectors_per_class": .ints([1, 1, 1]), "coefficients": .floats([1, -1, -1, 1, 1, -1]), "rho": .floats([0, 0, 0]),
      "classlabels_ints": .ints([7, 8, 9]),
    ]
    let input = try value([Float(3), 1, 2, 0, 1, 5], [2, 3])
    let results = try run("SVMClassifier", attributes, input, outputs: 2)
    try expect(results[0], [Int64(7), 9], [2])
    try expect(results[1], [Float(2), 1, -1, -1, -5, -4], [2, 3])
    attributes["prob_a"] = .floats([-1, -1, -1])
    attributes["prob_b"] = .floats([0, 0, 0])
    let probabilities = try elements(run("SVMClassifier", attributes, input, outputs: 2)[1], as: Float.self)
    for row in 0..<2 { #expect(abs(probabilities[row * 3..<row * 3 + 3].reduce(0, +) - 1) < 1e-5) }
    #expect(probabilities[0] > probabilities[2] && probabilities[2] > probabilities[1])
    attributes["rho"] = .floats([0])
    #expect(throws: PinionError.self) { try run("SVMClassifier", attributes, input, outputs: 2) }
  }
}
