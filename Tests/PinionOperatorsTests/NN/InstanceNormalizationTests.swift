import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct InstanceNormalizationTests {
  @Test func example() throws {
    let y = try evaluate(
      "InstanceNormalization", attributes: ["epsilon": .float(0.01)],
      [try tensor([-0.81, -0.03, 0.88, -0.58, -0.11, 0.11, 0.06, -1.23, 0.08, 1.36, -1.55, 0.86] as [Float], [2, 3, 2]),
        try tensor([0.12, -0.64, 2] as [Float], [3]), try tensor([0.76, -1.2, 0.07] as [Float], [3])])
    try expect(y, near: [0.6437603, 0.8762397, -1.834078, -0.5659217, -1.40988, 1.54988, 0.8785833, 0.6414167, -0.5676723, -1.832328,
      -1.923148, 2.063148], [2, 3, 2])
  }

  @Test func wrongScale() throws {
    let x = try tensor([1, 2] as [Float], [1, 1, 2]), two = try tensor([1, 2] as [Float], [2])
    #expect(throws: PinionError.self) { try evaluate("InstanceNormalization", [x, two, two]) }
  }
}
