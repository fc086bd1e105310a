import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct GRUTests {
  private let x = [0.67, -0.34, 1.05, -0.01, 0.58, -1.29, 0.35, -1.69, -2.04, -0.3, -0.9, 0.16] as [Float]
  private let w = [-0.63, -1.76, 0.73, -0.02, 0.07, -0.75, 0.45, -0.54, -0.14, -1.11, -1.22, 1.34] as [Float]
  private let r = [-0.51, 0.29, -0.03, -0.44, -0.51, 0.63, -0.3, -0.15, 0.02, 1.18, 0.68, 0.38] as [Float]
  private let b = [-0.56, -1.38, 0.95, 0.97, -0.14, 0.54, 0.78, 0.83, 0.92, -0.46, 1.51, -1.25] as [Float]
  private let h = [-0.81, 1.65, -0.67, -1.05] as [Float]

  private func inputs() throws -> [Value?] {
    [
      .tensor(try tensor(x, [3, 2, 2])), .tensor(try tensor(w, [1, 6, 2])), .tensor(try tensor(r, [1, 6, 2])), .tensor(try tensor(b, [1,
        12])),
      nil, .tensor(try tensor(h, [1, 2, 2])),
    ]
  }

  @Test func resetBefore() throws {
    let outputs = try evaluate("GRU", try inputs(), constants: [1, 2, 3], outputCount: 2)
    try expect(
      try outputs[0].asTensor(),
      near: [-0.4196158, -0.1315132, -0.1309588, -1.030422, -0.2913907, -0.5713426, -0.06408732, -1.016267, -0.147845, 0.6024683,
        0.2185271, -0.08920625], [3, 1, 2, 2])
    try expect(try outputs[1].asTensor(), near: [-0.147845, 0.6024683, 0.2185271, -0.08920625], [1, 2, 2])
  }

  @Test func resetBehindTheWeights() throws {
    let outputs = try evaluate("GRU", attributes: ["linear_before_reset": .int(1)], try inputs(), outputCount: 2)
    try expect(
      try outputs[0].asTensor(),
      near: [-0.4190605, -0.09872499, -0.3069826, -1.028232, -0.2920668, -0.5577779, -0.2364774, -1.015027, -0.1602945, 0.7318829,
        -0.1197144, 0.1447279], [3, 1, 2, 2])
  }

  @Test func batchFirst() throws {
    var inputs = try inputs()
    inputs[0] = .tensor(try tensor([0.67, -0.34, 0.58, -1.29, -2.04, -0.3, 1.05, -0.01, 0.35, -1.69, -0.9, 0.16] as [Float], [2, 3, 2]))
    inputs[5] = .tensor(try tensor(h, [2, 1, 2]))
    let outputs = try evaluate("GRU", attributes: ["layout": .int(1)], inputs, outputCount: 2)
    try expect(
      try outputs[0].asTensor(),
      near: [-0.4196158, -0.1315132, -0.2913907, -0.5713426, -0.147845, 0.6024683, -0.1309588, -1.030422, -0.06408732, -1.016267,
        0.2185271, -0.08920625], [2, 3, 1, 2])
    try expect(try outputs[1].asTensor(), near: [-0.147845, 0.6024683, 0.2185271, -0.08920625], [2, 1, 2])
  }
}
