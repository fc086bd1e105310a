import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct GroupNormalizationTests {
  private let x = [-0.68, 0.2, -0.46, 0.13, -1.19, -0.58, -0.2, 0.9] as [Float]

  @Test func twoGroups() throws {
    let y = try evaluate(
      "GroupNormalization", attributes: ["num_groups": .int(2)],
      [try tensor(x, [1, 4, 2]), try tensor([1.15, -1.32, -0.79, 0.65] as [Float], [4]), try tensor([-1.99, -0.46, -0.1,
        1.26] as [Float], [4])])
    try expect(y, near: [-3.44862, -0.7604824, 0.4428637, -1.625834, 0.8576893, 0.2244205, 1.317657, 2.257244], [1, 4, 2],
      tolerance: 1e-4)
  }

  @Test func channelsThatDoNotDivide() throws {
    let four = try tensor([1, 1, 1, 1] as [Float], [4])
    #expect(throws: PinionError.self) {
      try evaluate("GroupNormalization", attributes: ["num_groups": .int(3)], [try tensor(x, [1, 4, 2]), four, four])
    }
  }
}
