import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct MeanVarianceNormalizationTests {
  private let x = [0.69, -0.33, -0.37, -0.25, 1.52, -0.43, -0.3, 0.35] as [Float]

  @Test func eachChannel() throws {
    try expect(try evaluate("MeanVarianceNormalization", [try tensor(x, [2, 2, 1, 2])]), near: [0.4098014, -0.8665267, -0.7912445,
      -0.3738848, 1.448382, -0.9916569, -0.5477847, 1.712914], [2, 2, 1, 2])
  }

  @Test func oneAxis() throws {
    let y = try evaluate("MeanVarianceNormalization", attributes: ["axes": .ints([1])], [try tensor(x, [2, 2, 1, 2])])
    try expect(y, near: [1, -1, -1, 1, 1, -1, -1, 1], [2, 2, 1, 2], tolerance: 1e-4)
  }
}
