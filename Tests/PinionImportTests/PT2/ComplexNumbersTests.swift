import Pinion
import PinionBase
import PinionTensor
import Testing

/// Programs that compute with complex numbers between real inputs and outputs. Expected values are the formulas' own.
@Suite struct ComplexNumbersTests {
  private static let complex64 = 10

  /// Results of targets between `view_as_complex` of inputs of shape `[n, 2]` and `view_as_real`.
  private func run(
    _ target: String, _ arguments: KeyValuePairs<String, String>, _ inputs: [[Float]], sizes: [Int] = [2]
  ) throws -> [Float] {
    var program = TestProgram()
    var given: [String: Tensor] = [:]
    for (index, numbers) in inputs.enumerated() {
      let name = "x\(index)"
      program.input(name, 7, [numbers.count / 2, 2])
      program.node("view_as_complex.default", ["self": TestProgram.tensor(name)], "z\(index)", ComplexNumbersTests.complex64, [numbers.count / 2])
      given[name] = try Tensor(numbers, try Shape([numbers.count / 2, 2]))
    }
    program.node(target, arguments, "w", ComplexNumbersTests.complex64, sizes)
    program.node("view_as_real.default", ["self": TestProgram.tensor("w")], "y", 7, sizes + [2])
    program.output("y")
    return try #require(try program.run(given)["y"]).elements(as: Float.self)
  }

  private func isNear(_ found: [Float], _ expected: [Float]) -> Bool {
    found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) }
  }

  private let z = TestProgram.tensor("z0"), other = TestProgram.tensor("z1")

  @Test func complexScalarsAreOperands() throws {
    let number = "{\"as_complex\": {\"real\": 1.0, \"imag\": -2.0}}"
    // (1 + 2i)(1 - 2i) = 5, (3 - i)(1 - 2i) = 1 - 7i
    #expect(isNear(try run("mul.Tensor", ["self": z, "other": number], [[1, 2, 3, -1]]), [5, 0, 1, -7]))
    #expect(isNear(try run("add.Tensor", ["self": z, "other": number], [[1, 2, 3, -1]]), [2, 0, 4, -3]))
    #expect(isNear(try run("rsub.Scalar", ["self": z, "other": number], [[1, 2, 3, -1]]), [0, -4, -2, -1]))
  }

  @Test func sumsOfProductsTakeBothHalves() throws {
    // (1 + 2i)(2 + i) + (3 - i)i = 5i + 1 + 3i
    let list = "{\"as_tensors\": [{\"name\": \"z0\"}, {\"name\": \"z1\"}]}"
    let equation = "{\"as_string\": \"i,i->\"}"
    #expect(isNear(try run("einsum.default", ["equation": equation, "tensors": list], [[1, 2, 3, -1], [2, 1, 0, 1]], sizes: []), [1, 8]))
    #expect(isNear(try run("dot.default", ["self": z, "tensor": other], [[1, 2, 3, -1], [2, 1, 0, 1]], sizes: []), [1, 8]))
    // (1 - 2i)(2 + i) + (3 + i)i = 4 - 3i + 3i - 1
    #expect(isNear(try run("vdot.default", ["self": z, "other": other], [[1, 2, 3, -1], [2, 1, 0, 1]], sizes: []), [3, 0]))
  }

  @Test func outerProductsTakeBothHalves() throws {
    #expect(
      isNear(try run("outer.default", ["self": z, "vec2": other], [[1, 2, 3, -1], [2, 1, 0, 1]], sizes: [2, 2]), [0, 5, -2, 1, 7, 1, 1, 3]))
  }

  @Test func functions() throws {
    // 1 / (3 + 4i) = 0.12 - 0.16i; 1 / -2i = 0.5i
    #expect(isNear(try run("reciprocal.default", ["self": z], [[3, 4, 0, -2]]), [0.12, -0.16, 0, 0.5]))
    #expect(isNear(try run("sqrt.default", ["self": z], [[3, 4, -4, 0]]), [2, 1, 0, 2]))
    #expect(isNear(try run("log.default", ["self": z], [[1, 0, 0, 1]]), [0, 0, 0, 1.5707963]))
    #expect(isNear(try run("pow.Tensor_Scalar", ["self": z, "exponent": TestProgram.int(2)], [[1, 2, 0, -1]]), [-3, 4, -1, 0]))
    #expect(isNear(try run("pow.Tensor_Scalar", ["self": z, "exponent": TestProgram.float(0.5)], [[3, 4, 0, 2]]), [2, 1, 1, 1]))
  }

  /// Operators that would take the pairs for numbers of their own.
  @Test func whatIsNotKnownOfComplexNumbersIsRefused() {
    for (target, arguments) in [
      ("cumprod.default", ["self": z, "dim": TestProgram.int(0)]), ("flip_of_nothing.default", ["self": z]),
      ("tan.default", ["self": z]),
    ] as [(String, KeyValuePairs<String, String>)] {
      #expect(throws: PinionError.self, "\(target)") { try run(target, arguments, [[1, 2, 3, -1]]) }
    }
  }
}
