import PinionGraph
import PinionTensor
import Testing

@Suite struct RandomTests {
  @Test func uniformNumbersFillTheirInterval() throws {
    let y = try evaluate(
      "RandomUniform", attributes: ["shape": .ints([100, 100]), "low": .float(-1), "high": .float(3), "seed": .float(5)], [Tensor?]())
    let x = try y.elements(as: Float.self)
    #expect(y.shape.dims == [100, 100])
    #expect(x.allSatisfy { $0 >= -1 && $0 <= 3 })
    let mean = x.reduce(0, +) / 10_000
    #expect(abs(mean - 1) < 0.06)
    #expect(x.count { $0 < 0 } > 2300 && x.count { $0 < 0 } < 2700)
  }

  @Test func normalNumbersHaveMeanAndDeviation() throws {
    let y = try evaluate(
      "RandomNormalLike", attributes: ["mean": .float(2), "scale": .float(3), "seed": .float(1), "dtype": .int(11)],
      [try tensor([Float](repeating: 0, count: 20_000), [20_000])])
    let x = try y.elements(as: Double.self)
    let mean = x.reduce(0, +) / 20_000
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    #expect(abs(mean - 2) < 0.1)
    #expect(abs(variance - 9) < 0.4)
  }

  @Test func seedsDecide() throws {
    func run(_ seed: Float) throws -> Tensor {
      try evaluate("RandomUniform", attributes: ["shape": .ints([8]), "seed": .float(seed)], [Tensor?]())
    }
    #expect(try run(1).hasSameContents(as: run(1)))
    #expect(try !run(1).hasSameContents(as: run(2)))
  }

  @Test func bernoulli() throws {
    let p = try tensor([Float](repeating: 0.25, count: 10_000), [10_000])
    let y = try evaluate("Bernoulli", attributes: ["seed": .float(3), "dtype": .int(7)], [p])
    let x = try y.elements(as: Int64.self)
    #expect(x.allSatisfy { $0 == 0 || $0 == 1 })
    #expect(abs(x.reduce(0, +) - 2500) < 150)
    let certain = try tensor([0, 1, 0, 1] as [Float], [4])
    try expect(try evaluate("Bernoulli", attributes: ["seed": .float(3)], [certain]), [0, 1, 0, 1] as [Float], [4])
  }

  @Test func multinomial() throws {
    let logits = try tensor([0, -Float.infinity, 1.0986123, -.infinity, 7, -.infinity] as [Float], [2, 3])
    let y = try evaluate("Multinomial", attributes: ["seed": .float(3), "sample_size": .int(4000)], [logits])
    let x = Array(try y.elements(as: Int32.self))
    #expect(y.shape.dims == [2, 4000])
    #expect(x[4000...].allSatisfy { $0 == 1 })
    #expect(!x[..<4000].contains(1))
    #expect(abs(x[..<4000].count { $0 == 0 } - 1000) < 120)
  }

  @Test func dropoutInInference() throws {
    let x = try tensor([1, 2, 3] as [Float], [3])
    let outputs = try evaluate("Dropout", [.tensor(x), .tensor(try tensor([0.9] as [Float], []))], outputCount: 2)
    try expect(try outputs[0].asTensor(), [1, 2, 3] as [Float], [3])
    try expect(try outputs[1].asTensor(), [true, true, true], [3])
  }

  @Test func dropoutInTraining() throws {
    let x = try tensor([Float](repeating: 3, count: 10_000), [10_000])
    let outputs = try evaluate(
      "Dropout", attributes: ["seed": .int(1)],
      [.tensor(x), .tensor(try tensor([0.75] as [Float], [])), .tensor(try tensor([true], []))], outputCount: 2)
    let y = try outputs[0].asTensor().elements(as: Float.self), mask = try outputs[1].asTensor().elements(as: Bool.self)
    #expect(zip(y, mask).allSatisfy { $0 == ($1 ? 12 : 0) })
    #expect(abs(mask.count { $0 } - 2500) < 200)
    #expect(throws: (any Error).self) {
      try evaluate("Dropout", [x, try tensor([1] as [Float], []), try tensor([true], [])])
    }
  }
}
