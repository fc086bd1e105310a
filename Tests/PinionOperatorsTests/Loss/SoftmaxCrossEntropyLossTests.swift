import PinionBase
import PinionGraph
import PinionTensor
import Testing

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
