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

@Suite struct LeakyReluTests {
  @Test func example() throws {
    let y = try evaluate("LeakyRelu", attributes: ["alpha": .float(0.1)], [try tensor([-1, 0, 1] as [Float], [3])])
    try expect(y, near: [-0.1, 0, 1], [3])
  }

  @Test func defaultAlpha() throws {
    try expect(try evaluate("LeakyRelu", [try tensor([-100, 2] as [Float], [2])]), near: [-1, 2], [2])
  }
}
