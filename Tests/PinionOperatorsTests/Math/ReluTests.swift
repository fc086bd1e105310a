import PinionTensor
import Testing

@Suite struct ReluTests {
  @Test func negativesBecomeZero() throws {
    try expect(try evaluate("Relu", [try tensor([-1, 0, 2, -.infinity] as [Float], [2, 2])]), [0, 0, 2, 0] as [Float], [2, 2])
  }

  @Test func integersKeepTheirType() throws {
    try expect(try evaluate("Relu", [try tensor([-5, 7] as [Int32], [2])]), [0, 7] as [Int32], [2])
  }
}
