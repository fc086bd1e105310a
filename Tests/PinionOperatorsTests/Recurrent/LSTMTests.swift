import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct LSTMTests {
  private let x = [0.67, -0.34, 1.05, -0.01, 0.58, -1.29, 0.35, -1.69, -2.04, -0.3, -0.9, 0.16] as [Float]
  private let w = [2.24, -0.83, -0.62, 0.21, 0.49, -0.18, -0.21, 0.7, 0.52, -1.03, -0.08, 0.04, -1.05, 0.26, -0.86, 0.97] as [Float]
  private let r = [0.19, 0.09, -0.59, -0.12, -2, -1.13, 0.36, -2.13, 0.85, -1.75, 0.76, -0.85, 0.78, 0.13, -1.54, 1.25] as [Float]
  private let b = [1.44, -0.07, -0.27, -0.16, -0.98, 1.1, -0.54, -0.05, -0.79, -0.63, -1.28, 1.26, -0.15, 0.97, 0.01, -0.69] as [Float]

  private func weights() throws -> [Value?] {
    [.tensor(try tensor(x, [3, 2, 2])), .tensor(try tensor(w, [1, 8, 2])), .tensor(try tensor(r, [1, 8, 2])), .tensor(try tensor(b, [1,
      16]))]
  }

  private func states() throws -> [Value?] {
    [
      .tensor(try tensor([-0.81, 1.65, -0.67, -1.05] as [Float], [1, 2, 2])),
      .tensor(try tensor([0.34, 1.41, -1.45, -0.21] as [Float], [1, 2, 2])),
    ]
  }

  @Test(arguments: [[], [1, 2]] as [Set<Int>]) func peepholesAndStates(constants: Set<Int>) throws {
    let peepholes = Value.tensor(try tensor([-0.33, -0.56, 0.01, -0.38, -0.3, -1.38] as [Float], [1, 6]))
    let outputs = try evaluate(
      "LSTM", attributes: ["hidden_size": .int(2)], try weights() + [nil] + states() + [peepholes], constants: constants, outputCount: 3)
    try expect(
      try outputs[0].asTensor(),
      near: [-0.135247, 0.01198957, -0.786356, -0.4500213, -0.2786348, 0.03315675, -0.7193927, -0.4802603, -0.02178938, 0.3840089,
        -0.3461946, -0.336525], [3, 1, 2, 2])
    try expect(try outputs[1].asTensor(), near: [-0.02178938, 0.3840089, -0.3461946, -0.336525], [1, 2, 2])
    try expect(try outputs[2].asTensor(), near: [-0.1811843, 0.6001158, -0.8853956, -0.3882438], [1, 2, 2])
  }

  @Test func reverseWithLengths() throws {
    let outputs = try evaluate(
      "LSTM", attributes: ["direction": .string("reverse")], try weights() + [.tensor(try tensor([2, 3] as [Int32], [2]))] + states(),
      outputCount: 3)
    try expect(
      try outputs[0].asTensor(),
      near: [-0.2407371, 0.3155238, -0.4508763, -0.4346719, -0.1556184, 0.01634326, -0.3956923, -0.2455626, 0, 0, -0.3259479,
        -0.2364713], [3, 1, 2, 2])
    try expect(try outputs[1].asTensor(), near: [-0.2407371, 0.3155238, -0.4508763, -0.4346719], [1, 2, 2])
    try expect(try outputs[2].asTensor(), near: [-1.138928, 0.5275301, -1.403803, -0.6311188], [1, 2, 2])
  }

  @Test func lengthOutOfRange() throws {
    #expect(throws: PinionError.self) {
      try evaluate("LSTM", try weights() + [.tensor(try tensor([2, 4] as [Int32], [2]))], outputCount: 1)
    }
  }

  @Test func wrongRecurrentWeights() throws {
    var inputs = try weights()
    inputs[2] = .tensor(try tensor([Float](repeating: 0, count: 8), [1, 4, 2]))
    #expect(throws: PinionError.self) { try evaluate("LSTM", inputs) }
  }
}
