import Glibc
import PinionGraph
import PinionTensor
import Testing

@Suite struct ElementwiseContribTests {
  private func gelu(_ x: Float) -> Float { 0.5 * x * (1 + erff(x / Float(2).squareRoot())) }
  private func tanhGelu(_ x: Float) -> Float { 0.5 * x * (1 + tanhf(0.7978845608 * (x + 0.044715 * x * x * x))) }

  @Test func gelus() throws {
    let x: [Float] = [-1, 0.5, 2, 3], bias: [Float] = [0.25, -1]
    let sums = [x[0] + bias[0], x[1] + bias[1], x[2] + bias[0], x[3] + bias[1]]
    let a = try tensor(x, [2, 2]), b = try tensor(bias, [2])
    try expect(try evaluate("BiasGelu", domain: "com.microsoft", [a, b]), near: sums.map(gelu), [2, 2])
    try expect(try evaluate("FastGelu", domain: "com.microsoft", [a, b]), near: sums.map(tanhGelu), [2, 2])
    try expect(try evaluate("FastGelu", domain: "com.microsoft", [a]), near: x.map(tanhGelu), [2, 2])
    try expect(try evaluate("Gelu", domain: "com.microsoft", [a]), near: x.map(gelu), [2, 2])
    try expect(try evaluate("QuickGelu", domain: "com.microsoft", [a]), near: x.map { $0 / (1 + expf(-1.702 * $0)) }, [2, 2])
    #expect(throws: (any Error).self) { try evaluate("BiasGelu", domain: "com.microsoft", [a, try tensor([1] as [Float], [1])]) }
  }

  @Test func quantizedSumsAndProducts() throws {
    func one<T: Element>(_ value: T) throws -> Tensor { try tensor([value], []) }
    let a = try tensor([0, 10, 255] as [UInt8], [3]), b = try tensor([128, 130] as [UInt8], [2, 1])
    let scales: [Tensor?] = [
      a, try one(Float(0.5)), try one(UInt8(10)), b, try one(Float(2)), try one(UInt8(128)), try one(Float(1)), try one(UInt8(20)),
    ]
    // a is -5, 0, 122.5 and b is 0, 4; halves go to the even neighbour.
    try expect(try evaluate("QLinearAdd", domain: "com.microsoft", scales), [15, 20, 142, 19, 24, 146] as [UInt8], [2, 3])
    try expect(try evaluate("QLinearMul", domain: "com.microsoft", scales), [20, 20, 20, 0, 20, 255] as [UInt8], [2, 3])
  }

  @Test func quantizedFunctions() throws {
    func one<T: Element>(_ value: T) throws -> Tensor { try tensor([value], []) }
    let x = try tensor([-100, -1, 0, 100] as [Int8], [4])
    let leaky = try evaluate(
      "QLinearLeakyRelu", domain: "com.microsoft", attributes: ["alpha": .float(0.1)],
      [x, try one(Float(0.1)), try one(Int8(0)), try one(Float(0.2)), try one(Int8(-3))])
    try expect(leaky, [-8, -3, -3, 47] as [Int8], [4])
    let sigmoid = try evaluate(
      "QLinearSigmoid", domain: "com.microsoft",
      [x, try one(Float(0.1)), try one(Int8(0)), try one(Float(1) / 256), try one(Int8(-128))])
    try expect(sigmoid, [-128, -6, 0, 127] as [Int8], [4])
  }
}
