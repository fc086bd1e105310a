import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct QAttentionTests {
  private func scalar<T: Element>(_ value: T) throws -> Tensor { try Tensor(scalar: value) }

  /// Two tokens 2 and 4 (codes less 1, times 0.5); q = 0, k = x, v = 3 x + 10.
  private func operands() throws -> [Tensor?] {
    [
      try tensor([5, 9] as [UInt8], [1, 2, 1]), try tensor([2, 6, 14] as [Int8], [1, 3]), try tensor([0, 0, 10] as [Float], [3]),
      try scalar(Float(0.5)), try scalar(Float(0.25)), nil, try scalar(UInt8(1)), try scalar(Int8(2)),
    ]
  }

  @Test func equalScoresGiveTheMean() throws {
    for constants in [[], [1, 2, 3, 4, 6, 7]] as [Set<Int>] {
      let y = try evaluate("QAttention", domain: "com.microsoft", attributes: ["num_heads": .int(1)], try operands(), constants: constants)
      try expect(y, near: [19, 19], [1, 2, 1])
    }
  }

  @Test func aTokenAttendsToTheTokensBefore() throws {
    let y = try evaluate(
      "QAttention", domain: "com.microsoft", attributes: ["num_heads": .int(1), "unidirectional": .int(1)], try operands())
    try expect(y, near: [16, 19], [1, 2, 1])
  }

  @Test func scalesAndZeroPointsOfColumns() throws {
    var inputs = try operands()
    inputs[4] = try tensor([0.25, 0.25, 0.5] as [Float], [3])
    inputs[7] = try tensor([2, 2, 12] as [Int8], [3])
    // v = (14 - 12) / 2 x + 10
    try expect(try evaluate("QAttention", domain: "com.microsoft", attributes: ["num_heads": .int(1)], inputs), near: [13, 13], [1, 2, 1])
  }

  @Test func pastAndMask() throws {
    // One key with value 1 from before; the second of the new ones is masked.
    var inputs = try operands()
    inputs[5] = try tensor([1, 1, 0] as [Int32], [1, 3])
    inputs.append(try tensor([7, 1] as [Float], [2, 1, 1, 1, 1]))
    let y = try evaluate(
      "QAttention", domain: "com.microsoft", attributes: ["num_heads": .int(1)], inputs.map { $0.map(Value.tensor) }, outputCount: 2)
    try expect(try y[0].asTensor(), near: [8.5, 8.5], [1, 2, 1])
    try expect(try y[1].asTensor(), near: [7, 2, 4, 1, 16, 22], [2, 1, 1, 3, 1])
  }

  @Test func operandsAreChecked() throws {
    let two = try tensor([1, 1] as [Float], [2])
    for (index, wrong) in [
      (0, two), (1, two), (2, try tensor([0, 0] as [Float], [2])), (3, two), (4, two), (5, two), (6, try scalar(Int8(1))), (7, try scalar(UInt8(1))),
      (4, try scalar(UInt8(1))),
    ] {
      var inputs = try operands()
      inputs[index] = wrong
      #expect(throws: PinionError.self) { try evaluate("QAttention", domain: "com.microsoft", attributes: ["num_heads": .int(1)], inputs) }
    }
  }
}
