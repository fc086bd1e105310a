import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct LRNTests {
  @Test func threeChannels() throws {
    let y = try evaluate(
      "LRN", attributes: ["size": .int(3), "alpha": .float(0.3), "bias": .float(2)], [try tensor([-0.12, -0.2, -1.11, -0.01, -0.44, 1.17,
        0.65, -0.02] as [Float], [1, 4, 2])])
    try expect(y, near: [-0.06818922, -0.1187422, -0.6264737, -0.005650055, -0.2448448, 0.661975, 0.377797, -0.01131585], [1, 4, 2])
  }

  @Test func noSize() throws {
    #expect(throws: PinionError.self) { try evaluate("LRN", [try tensor([1] as [Float], [1, 1])]) }
  }
}
