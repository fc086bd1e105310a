import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct LpNormalizationTests {
  @Test func euclidean() throws {
    try expect(try evaluate("LpNormalization", [try tensor([3, 4, 0, 0] as [Float], [2, 2])]), near: [0.6, 0.8, 0, 0], [2, 2])
  }

  /// 3, 4 times any size are 0.6, 0.8, though their squares leave the range of float.
  @Test(arguments: [1e20, 1e30, 1e-20, 1e-30] as [Float], [0, 1] as [Int64]) func largeAndSmall(size: Float, axis: Int64) throws {
    let x = try tensor([3 * size, 4 * size, 4 * size, 3 * size], [2, 2])
    try expect(try evaluate("LpNormalization", attributes: ["axis": .int(axis)], [x]), near: [0.6, 0.8, 0.8, 0.6], [2, 2])
  }

  @Test func sumOfMagnitudesAlongTheFirstAxis() throws {
    let y = try evaluate("LpNormalization", attributes: ["axis": .int(0), "p": .int(1)], [try tensor([1, -2, 3, 2] as [Float], [2, 2])])
    try expect(y, near: [0.25, -0.5, 0.75, 0.5], [2, 2])
  }

  @Test func unknownOrder() throws {
    #expect(throws: PinionError.self) { try evaluate("LpNormalization", attributes: ["p": .int(3)], [try tensor([1] as [Float], [1])]) }
  }
}
