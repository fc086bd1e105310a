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
