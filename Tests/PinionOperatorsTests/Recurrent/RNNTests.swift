import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct RNNTests {
  private let x = [0.67, -0.34, 1.05, -0.01, 0.58, -1.29, 0.35, -1.69, -2.04, -0.3, -0.9, 0.16] as [Float]
  private let w = [0.86, 0.49, 0.87, 1.88, 1.48, -1.15, -1.69, 0.82] as [Float]
  private let r = [-1.02, -0.01, 0.84, -1.64, -2.11, 0.26, 0.04, -0.25] as [Float]
  private let b = [0.04, -0.86, -1.51, -0.17, -0.97, -1.64, 0.51, -0.06] as [Float]

  @Test func bothDirectionsWithFunctionsOfTheirOwn() throws {
    let outputs = try evaluate(
      "RNN",
      attributes: [
        "direction": .string("bidirectional"), "activations": .strings(["LeakyRelu", "Affine"]), "activation_alpha": .floats([0.2, 0.5]),
        "activation_beta": .floats([0.1]),
      ],
      [
        .tensor(try tensor(x, [3, 2, 2])), .tensor(try tensor(w, [2, 2, 2])), .tensor(try tensor(r, [2, 2, 2])),
        .tensor(try tensor(b, [2, 4])),
      ], outputCount: 2)
    try expect(
      try outputs[0].asTensor(),
      near: [-0.21208, -0.21726, -0.11438, -0.02706, -2.534118, -1.163477, -1.736914, -1.37966, -0.2769612, -0.5544882, -0.3760324,
        -0.7908802, 2.699345, -1.904692, 2.047483, -1.765922, -0.6166709, -0.5384174, -0.3548276, -0.1062047, -1.4671, 0.8508, -0.888,
        0.0761],
      [3, 2, 2, 2])
    try expect(try outputs[1].asTensor(), near: [-0.6166709, -0.5384174, -0.3548276, -0.1062047, -2.534118, -1.163477, -1.736914,
      -1.37966], [2, 2, 2])
  }

  @Test func clippedArguments() throws {
    let y = try evaluate(
      "RNN", attributes: ["clip": .float(0.25)],
      [
        try tensor(x, [3, 2, 2]), try tensor(Array(w.prefix(4)), [1, 2, 2]), try tensor(Array(r.prefix(4)), [1, 2, 2]),
        try tensor(Array(b.prefix(4)), [1, 4]),
      ])
    try expect(y, near: [-0.2449187, -0.2449187, -0.2449187, -0.1344804, -0.2449187, -0.2449187, -0.2449187, -0.2449187, -0.2449187,
      -0.2449187, -0.2449187, -0.2449187], [3, 1, 2, 2])
  }

  @Test func unknownFunction() throws {
    #expect(throws: PinionError.self) {
      try evaluate(
        "RNN", attributes: ["activations": .strings(["Cube"])],
        [try tensor(x, [3, 2, 2]), try tensor(Array(w.prefix(4)), [1, 2, 2]), try tensor(Array(r.prefix(4)), [1, 2, 2])])
    }
  }
}
