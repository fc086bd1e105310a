import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct SkipLayerNormalizationTests {
  @Test func sumOfThree() throws {
    let outputs = try evaluate(
      "SkipLayerNormalization", domain: "com.microsoft", attributes: ["epsilon": .float(0.001)],
      [
        .tensor(try tensor([0, 0.3, -0.27, -0.89, -0.45, -0.99, 0.06, 1.34, -0.49, -0.62, 0.49, 0.36, 0.11, -0.93, -0.03, 0.7, -1.34,
          -0.46, -1.9, -1.29, -1.84, -0.24, -1.27, 0.27] as [Float], [2, 3, 4])),
        .tensor(try tensor([-0.06, 0.08, -1.08, -0.27, -0.18, 1.19, 0.33, -0.01, 1.53, -0.56, -0.39, -1.82] as [Float], [3, 4])),
          .tensor(try tensor([0.16, -0.19, -2.52, -0.54] as [Float], [4])), .tensor(try tensor([-0.05, 0.11, -1.53, -0.48] as [Float],
          [4])), .tensor(try tensor([1.57, 0.96, 0.92, 0.67] as [Float], [4])),
      ], outputCount: 4)
    try expect(
      try outputs[0].asTensor(),
      near: [0.1239348, -0.06237423, 0.9028651, 0.07560736, -0.2160049, 0.2019944, -1.260619, -1.359449, 0.1896794, 0.2373872, -2.234786,
        0.1178959, 0.1597918, 0.2527295, 1.395613, -0.8045217, -0.06091852, -0.20417, 0.4939161, -0.05764216, 0.1949327, 0.06337398,
        0.501913, 0.04375398],
      [2, 3, 4])
    try expect(
      try outputs[3].asTensor(),
      near: [1.51, 1.34, -0.43, -0.49, 0.94, 1.16, 1.31, 2, 2.61, -0.22, 1.02, -0.79, 1.62, 0.11, -0.19, 1.1, 0.05, 1.69, -0.65, -0.63,
        1.26, 0.16, -0.74, -0.88],
      [2, 3, 4])
  }
}

@Suite struct SkipSimplifiedLayerNormalizationTests {
  @Test func sumOfThree() throws {
    let outputs = try evaluate(
      "SkipSimplifiedLayerNormalization", domain: "com.microsoft", attributes: ["epsilon": .float(0.001)],
      [
        .tensor(try tensor([0, 0.3, -0.27, -0.89, -0.45, -0.99, 0.06, 1.34, -0.49, -0.62, 0.49, 0.36, 0.11, -0.93, -0.03, 0.7, -1.34,
          -0.46, -1.9, -1.29, -1.84, -0.24, -1.27, 0.27] as [Float], [2, 3, 4])),
        .tensor(try tensor([-0.06, 0.08, -1.08, -0.27, -0.18, 1.19, 0.33, -0.01, 1.53, -0.56, -0.39, -1.82] as [Float], [3, 4])),
          .tensor(try tensor([0.16, -0.19, -2.52, -0.54] as [Float], [4])), .tensor(try tensor([1.57, 0.96, 0.92, 0.67] as [Float], [4])),
      ], outputCount: 4)
    try expect(
      try outputs[0].asTensor(),
      near: [0.2276638, -0.2399139, 1.021095, 0.2493371, 0.1066875, -0.1563425, -2.341733, -0.7661068, 0.2859838, 0.02862577, -1.76028,
        0.2921472, 0.2629542, -0.02120271, 0.4857348, -0.6026033, 0.008338311, -0.334679, 1.707269, 0.3545867, 0.235183, -0.03546411,
        2.175443, 0.55436],
      [2, 3, 4])
    try expect(
      try outputs[3].asTensor(),
      near: [1.51, 1.34, -0.43, -0.49, 0.94, 1.16, 1.31, 2, 2.61, -0.22, 1.02, -0.79, 1.62, 0.11, -0.19, 1.1, 0.05, 1.69, -0.65, -0.63,
        1.26, 0.16, -0.74, -0.88],
      [2, 3, 4])
  }
}
