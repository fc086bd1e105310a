import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct LpNormalizationTests {
  @Test func euclidean() throws {
    try expect(try evaluate("LpNormalization", [try tensor([3, 4, 0, 0] as [Float], [2, 2])]), near: [0.6, 0.8, 0, 0], [2, 2])
  }

  @Test func sumOfMagnitudesAlongTheFirstAxis() throws {
    let y = try evaluate("LpNormalization", attributes: ["axis": .int(0), "p": .int(1)], [try tensor([1, -2, 3, 2] as [Float], [2, 2])])
    try expect(y, near: [0.25, -0.5, 0.75, 0.5], [2, 2])
  }

  @Test func unknownOrder() throws {
    #expect(throws: PinionError.self) { try evaluate("LpNormalization", attributes: ["p": .int(3)], [try tensor([1] as [Float], [1])]) }
  }
}
