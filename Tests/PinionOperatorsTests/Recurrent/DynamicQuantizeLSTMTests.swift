import Glibc
import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct DynamicQuantizeLSTMTests {
  private func sigmoid(_ x: Float) -> Float { 1 / (1 + expf(-x)) }

  /// One cell whose gates input, output, forget and candidate are 1, 2, 3 and -1 times x or h.
  private func operands(x: [Float], h: Float? = nil, recurrent: Bool) throws -> [Tensor?] {
    let codes = try tensor([138, 148, 158, 118] as [UInt8], [1, 1, 4]), none = try tensor([128, 128, 128, 128] as [UInt8], [1, 1, 4])
    let scale = try tensor([0.1] as [Float], [1]), zero = try tensor([128] as [UInt8], [1])
    return [
      try tensor(x, [x.count, 1, 1]), recurrent ? none : codes, recurrent ? codes : none, nil, nil, try h.map { try tensor([$0], [1, 1, 1]) }, nil, nil,
      scale, zero, scale, zero,
    ]
  }

  /// State after a step with gates 1, 2, 3 and -1 times `x`.
  private func step(_ x: Float, cell: Float = 0) -> (h: Float, c: Float) {
    let c = sigmoid(3 * x) * cell + sigmoid(x) * tanhf(-x)
    return (sigmoid(2 * x) * tanhf(c), c)
  }

  @Test func inputIsQuantisedAsAWhole() throws {
    // The range 0 to 1 makes codes 255 and 102: both numbers are exact.
    for constants in [[], [1, 2, 8, 9, 10, 11]] as [Set<Int>] {
      let y = try evaluate(
        "DynamicQuantizeLSTM", domain: "com.microsoft", attributes: ["hidden_size": .int(1)],
        try operands(x: [1, 0.4], recurrent: false).map { $0.map(Value.tensor) }, constants: constants, outputCount: 3)
      let first = step(1), second = step(0.4, cell: first.c)
      try expect(try y[0].asTensor(), near: [first.h, second.h], [2, 1, 1, 1])
      try expect(try y[1].asTensor(), near: [second.h], [1, 1, 1])
      try expect(try y[2].asTensor(), near: [second.c], [1, 1, 1])
    }
  }

  @Test func statesAreQuantisedAtEachStep() throws {
    let y = try evaluate(
      "DynamicQuantizeLSTM", domain: "com.microsoft", try operands(x: [5, 7], h: -0.5, recurrent: true))
    // A single number is the end of its range, so it is exact.
    let first = step(-0.5)
    let second = step(first.h, cell: first.c)
    try expect(y, near: [first.h, second.h], [2, 1, 1, 1])
  }

  @Test func scalesOfColumns() throws {
    var inputs = try operands(x: [1], recurrent: false)
    inputs[8] = try tensor([0.1, 0.05, 0.1, 0.2] as [Float], [1, 4])
    // Gates 1, 1, 3, -2.
    let c = sigmoid(1) * tanhf(-2)
    try expect(try evaluate("DynamicQuantizeLSTM", domain: "com.microsoft", inputs), near: [sigmoid(1) * tanhf(c)], [1, 1, 1, 1])
  }

  @Test func whatLiesBehindASequenceHasNoShareInTheRange() throws {
    var inputs = try operands(x: [1, 1000], recurrent: false)
    inputs[4] = try tensor([1] as [Int32], [1])
    try expect(try evaluate("DynamicQuantizeLSTM", domain: "com.microsoft", inputs), near: [step(1).h, 0], [2, 1, 1, 1])
  }

  @Test func operandsAreChecked() throws {
    let two = try tensor([1, 1] as [Float], [2])
    for (index, wrong) in [
      (0, two), (1, two), (2, try tensor([1, 1, 1, 1] as [Int8], [1, 4, 1])), (3, two), (4, two), (5, two), (7, two), (8, two), (9, two), (10, two), (11, two),
      (8, try tensor([1] as [UInt8], [1])), (9, try tensor([1] as [Int8], [1])),
    ] {
      var inputs = try operands(x: [1], recurrent: false)
      inputs[index] = wrong
      #expect(throws: PinionError.self) { try evaluate("DynamicQuantizeLSTM", domain: "com.microsoft", inputs) }
    }
    #expect(throws: PinionError.self) {
      var inputs = try operands(x: [1], recurrent: false)
      inputs[4] = try tensor([2] as [Int32], [1])
      return try evaluate("DynamicQuantizeLSTM", domain: "com.microsoft", inputs)
    }
  }
}
