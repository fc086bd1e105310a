import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct NegativeLogLikelihoodLossTests {
  private let input = [1, 2, 2, 2, 3, 2, 0, 1, 2, 2, 1, 2] as [Float]

  private func inputs() throws -> [Tensor?] { [try tensor(input, [2, 3, 2]), try tensor([2, 1, 0, 2] as [Int64], [2, 2])] }

  @Test func eachSample() throws {
    let y = try evaluate("NegativeLogLikelihoodLoss", attributes: ["reduction": .string("none")], try inputs())
    try expect(y, near: [-3, -2, 0, -2], [2, 2])
  }

  @Test func weightedSum() throws {
    let weights = try tensor([0.2, 0.3, 0.1] as [Float], [3])
    let y = try evaluate("NegativeLogLikelihoodLoss", attributes: ["reduction": .string("sum")], try inputs() + [weights])
    try expect(y, near: [-1.1], [])
  }

  @Test func weightedMean() throws {
    let weights = try tensor([0.2, 0.3, 0.1] as [Float], [3])
    try expect(try evaluate("NegativeLogLikelihoodLoss", try inputs() + [weights]), near: [-1.571429], [])
  }

  @Test func ignoredClassAndClassOutOfRange() throws {
    let labels = try tensor([2, -1, 0, 2] as [Int32], [2, 2]), x = try tensor(input, [2, 3, 2])
    let y = try evaluate("NegativeLogLikelihoodLoss", attributes: ["ignore_index": .int(-1)], [x, labels])
    try expect(y, near: [-5 / 3], [])
    #expect(throws: PinionError.self) { try evaluate("NegativeLogLikelihoodLoss", [x, labels]) }
  }
}

@Suite struct SoftmaxCrossEntropyLossTests {
  @Test func meanAndLogarithms() throws {
    let outputs = try evaluate(
      "SoftmaxCrossEntropyLoss",
      [.tensor(try tensor([1, 2, 3, 0, 0, 0] as [Float], [2, 3])), .tensor(try tensor([2, 1] as [Int64], [2]))], outputCount: 2)
    try expect(try outputs[0].asTensor(), near: [0.7531091], [])
    try expect(try outputs[1].asTensor(), near: [-2.407606, -1.407606, -0.407606, -1.098612, -1.098612, -1.098612], [2, 3])
  }

  @Test func labelsThatDoNotFit() throws {
    #expect(throws: PinionError.self) {
      try evaluate("SoftmaxCrossEntropyLoss", [try tensor([1, 2] as [Float], [1, 2]), try tensor([0, 1] as [Int64], [2])])
    }
  }
}
