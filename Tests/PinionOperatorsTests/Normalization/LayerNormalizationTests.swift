import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct LayerNormalizationTests {
  private let x = [0, 0.3, -0.27, -0.89, -0.45, -0.99, 0.06, 1.34, -0.49, -0.62, 0.49, 0.36, 0.11, -0.93, -0.03, 0.7, -1.34, -0.46, -1.9,
    -1.29, -1.84, -0.24, -1.27, 0.27] as [Float]

  /// The deviations of 80000 + i / 128 are whole 128ths: a layer norm by its definition in double, for all its siblings.
  @Test(arguments: ["LayerNormalization", "InstanceNormalization", "GroupNormalization", "BatchNormalization", "MeanVarianceNormalization"])
  func largeMean(name: String) throws {
    let count = 96, elements = (0..<count).map { Float(80_000) + Float(($0 * 37) % 41) / 128 }
    let mean = elements.reduce(0.0) { $0 + Double($1) } / Double(count)
    let variance = elements.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(count)
    let expected = elements.map { Float((Double($0) - mean) / (variance + 1e-5).squareRoot()) }
    let one = try tensor([1] as [Float], [1]), zero = try tensor([0] as [Float], [1])
    let x = try tensor(elements, [1, 1, count])
    let y: Tensor
    switch name {
    case "LayerNormalization":
      y = try evaluate(name, [x, try tensor([Float](repeating: 1, count: count), [count])])
    case "InstanceNormalization": y = try evaluate(name, [x, one, zero])
    case "GroupNormalization": y = try evaluate(name, attributes: ["num_groups": .int(1)], [x, one, zero])
    case "MeanVarianceNormalization":
      let alone = try evaluate(name, attributes: ["axes": .ints([2])], [x])
      let ratio = Float(((variance + 1e-5) / variance).squareRoot())
      return try expect(alone, near: expected.map { $0 * ratio }, [1, 1, count], tolerance: 2e-6)
    default:
      y = try evaluate(name, attributes: ["training_mode": .int(1)], [x, one, zero, zero, one].map(Value.tensor), outputCount: 3)[0].asTensor()
    }
    try expect(y, near: expected, [1, 1, count], tolerance: 2e-6)
  }

  @Test func lastAxisWithStatistics() throws {
    let outputs = try evaluate(
      "LayerNormalization",
      [.tensor(try tensor(x, [2, 3, 4])), .tensor(try tensor([0.16, -0.19, -2.52, -0.54] as [Float], [4])), .tensor(try tensor([-0.05,
        0.11, -1.53, -0.48] as [Float], [4]))], constants: [1, 2], outputCount: 3)
    try expect(
      try outputs[0].asTensor(),
      near: [0.02839775, -0.1130006, -1.21413, 0.3506971, -0.1315436, 0.3256734, -1.734322, -1.324393, -0.1875676, 0.3233309, -4.359441,
        -0.9442906, -0.009560737, 0.4005715, -1.562386, -1.162413, -0.07880017, -0.1811638, 1.669737, -0.4353403, -0.2561962,
        -0.01128482, -0.01243429, -1.156401],
      [2, 3, 4])
    try expect(try outputs[1].asTensor(), near: [-0.215, -0.01, -0.065, -0.0375, -1.2475, -0.77], [2, 3, 1])
    try expect(try outputs[2].asTensor(), near: [2.279004, 1.158289, 2.023053, 1.713528, 1.945957, 1.204417], [2, 3, 1])
  }

  @Test func scaleThatDiffersBetweenRows() throws {
    let y = try evaluate(
      "LayerNormalization", attributes: ["axis": .int(2), "epsilon": .float(0.1)],
      [try tensor(x, [2, 3, 4]), try tensor([-0.98, -0.81, 1.06] as [Float], [3, 1])])
    try expect(
      y,
      near: [-0.3895678, -0.9331508, 0.09965688, 1.223062, 0.3876318, 0.8633618, -0.0616687, -1.189325, -0.7677335, -1.00257, 1.00257,
        0.7677335, -0.2177766, 1.317733, -0.01107339, -1.088883, 0.1241753, -1.057168, 0.8759389, 0.05705349, -1.2766, 0.6323346,
        -0.5965421, 1.240807],
      [2, 3, 4])
  }

  @Test func scaleThatDoesNotFit() throws {
    #expect(throws: PinionError.self) { try evaluate("LayerNormalization", [try tensor(x, [2, 3, 4]), try tensor([1, 2] as [Float],
      [2])]) }
  }
}

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

@Suite struct SimplifiedLayerNormalizationTests {
  private let x = [0, 0.3, -0.27, -0.89, -0.45, -0.99, 0.06, 1.34, -0.49, -0.62, 0.49, 0.36, 0.11, -0.93, -0.03, 0.7, -1.34, -0.46, -1.9,
    -1.29, -1.84, -0.24, -1.27, 0.27] as [Float]

  @Test func lastAxis() throws {
    let y = try evaluate("SimplifiedLayerNormalization", [try tensor(x, [2, 3, 4]), try tensor([0.16, -0.19, -2.52, -0.54] as [Float],
      [4])], constants: [1])
    try expect(
      y,
      near: [0, -0.1166525, 1.392463, 0.9835648, -0.08339122, 0.2178596, -0.1751216, -0.8380818, -0.1572535, 0.2362815, -2.476743,
        -0.3899246, 0.03009603, 0.3021573, 0.1292761, -0.6463805, -0.1589092, 0.06477923, 3.548775, 0.5163068, -0.2599859, 0.04026955,
        2.826287, -0.1287566],
      [2, 3, 4])
  }

  @Test func severalAxes() throws {
    let y = try evaluate(
      "SimplifiedLayerNormalization", attributes: ["axis": .int(1), "epsilon": .float(0.5)],
      [try tensor(x, [2, 3, 4]), try tensor([2] as [Float], [1])])
    try expect(
      y,
      near: [0, 0.6286544, -0.5657889, -1.865008, -0.9429815, -2.074559, 0.1257309, 2.807989, -1.026802, -1.299219, 1.026802, 0.7543852,
        0.1713641, -1.448806, -0.04673567, 1.090499, -2.087527, -0.7166136, -2.959926, -2.009634, -2.866455, -0.3738854, -1.978477,
        0.420621],
      [2, 3, 4])
  }
}
