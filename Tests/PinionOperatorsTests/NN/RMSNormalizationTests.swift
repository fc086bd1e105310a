import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct RMSNormalizationTests {
  private let x = [0, 0.3, -0.27, -0.89, -0.45, -0.99, 0.06, 1.34, -0.49, -0.62, 0.49, 0.36, 0.11, -0.93, -0.03, 0.7, -1.34, -0.46, -1.9,
    -1.29, -1.84, -0.24, -1.27, 0.27] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("RMSNormalization", [try tensor(x, [2, 3, 4]), try tensor([0.16, -0.19, -2.52, -0.54] as [Float], [4])],
      constants: [1])
    try expect(
      y,
      near: [0, -0.1166525, 1.392463, 0.9835648, -0.08339122, 0.2178596, -0.1751216, -0.8380818, -0.1572535, 0.2362815, -2.476743,
        -0.3899246, 0.03009603, 0.3021573, 0.1292761, -0.6463805, -0.1589092, 0.06477923, 3.548775, 0.5163068, -0.2599859, 0.04026955,
        2.826287, -0.1287566],
      [2, 3, 4])
  }

  @Test func severalAxes() throws {
    let y = try evaluate(
      "RMSNormalization", attributes: ["axis": .int(1), "epsilon": .float(0.5)],
      [try tensor(x, [2, 3, 4]), try tensor([2] as [Float], [1])])
    try expect(
      y,
      near: [0, 0.6286544, -0.5657889, -1.865008, -0.9429815, -2.074559, 0.1257309, 2.807989, -1.026802, -1.299219, 1.026802, 0.7543852,
        0.1713641, -1.448806, -0.04673567, 1.090499, -2.087527, -0.7166136, -2.959926, -2.009634, -2.866455, -0.3738854, -1.978477,
        0.420621],
      [2, 3, 4])
  }
}
