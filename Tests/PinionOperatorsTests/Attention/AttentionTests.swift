import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@Suite struct AttentionTests {
  private let q = [0.41, -0.99, -0.66, -1, -0.89, 0.2, -0.78, 0.36] as [Float]
  private let k = [0.34, 2.03, -1.39, 0.89, -0.09, -0.01] as [Float]
  private let v = [-1.45, -0.46, 0.74, -0.08, 0.08, -0.29] as [Float]

  @Test func sharedKeys() throws {
    let y = try evaluate("Attention", [try tensor(q, [1, 2, 2, 2]), try tensor(k, [1, 1, 3, 2]), try tensor(v, [1, 1, 3, 2])])
    try expect(y, near: [-0.02655704, -0.2713377, 0.2393447, -0.2109913, 0.1107327, -0.209981, 0.01292518, -0.2256382], [1, 2, 2, 2])
  }

  @Test func packedHeads() throws {
    let y = try evaluate(
      "Attention", attributes: ["q_num_heads": .int(2), "kv_num_heads": .int(1), "scale": .float(0.5)],
      [
        try tensor([0.41, -0.99, -0.89, 0.2, -0.66, -1, -0.78, 0.36] as [Float], [1, 2, 4]), try tensor(k, [1, 3, 2]), try tensor(v, [1,
          3, 2]),
      ])
    try expect(y, near: [-0.07085435, -0.2712539, 0.01400315, -0.2300585, 0.1531034, -0.2234916, -0.05881956, -0.2414878], [1, 2, 4])
  }

  @Test func rowWithoutAnyKeyIsZero() throws {
    let mask = try tensor([true, false, true, false, false, false] as [Bool], [2, 3])
    let y = try evaluate("Attention", [try tensor(q, [1, 2, 2, 2]), try tensor(k, [1, 1, 3, 2]), try tensor(v, [1, 1, 3, 2]), mask])
    try expect(y, near: [-0.2467953, -0.3263106, 0, 0, -0.6918427, -0.3757603, 0, 0], [1, 2, 2, 2])
  }

  /// With a hidden bias, rows of padding attend as under the whole mask written out: where((key <= query) and attended, 0, lowest).
  @Test(arguments: [(2, 3, 0), (1, 1, 4), (3, 40, 0), (2, 130, 7), (2, 5, 300)]) func hiddenBias(batch: Int, rows: Int, past: Int) throws {
    let (heads, size, keys, lowest) = (2, 4, rows + past, -Float.greatestFiniteMagnitude)
    func numbers(_ count: Int, _ seed: Int) -> [Float] { (0..<count).map { Float(($0 * 37 + seed * 101) % 61 - 30) / 20 } }
    // Entry 0 hides all but the last key, which most rows do not see; the others ever fewer.
    func isAttended(_ entry: Int, _ key: Int) -> Bool { key * (entry + 1) >= keys - 1 }
    var flags: [Float] = [], whole: [Float] = []
    for entry in 0..<batch {
      for key in 0..<keys { flags.append(isAttended(entry, key) ? 0 : lowest) }
      for row in 0..<rows { for key in 0..<keys { whole.append(key <= row + past && isAttended(entry, key) ? 0 : lowest) } }
    }
    func run(_ attributes: [String: AttributeValue], _ mask: Tensor) throws -> Tensor {
      var inputs: [Tensor?] = [
        try tensor(numbers(batch * heads * rows * size, 1), [batch, heads, rows, size]), try tensor(numbers(batch * heads * rows * size, 2), [batch, heads, rows, size]),
        try tensor(numbers(batch * heads * rows * size, 3), [batch, heads, rows, size]), mask,
      ]
      if past > 0 {
        for seed in [4, 5] { inputs.append(try tensor(numbers(batch * heads * past * size, seed), [batch, heads, past, size])) }
      }
      return try evaluate("Attention", attributes: attributes, inputs.map { $0.map(Value.tensor) }, outputCount: 1)[0].asTensor()
    }
    let found = try run(["is_causal": .int(1), Attention.hiddenBias: .float(lowest)], try tensor(flags, [batch, 1, 1, keys]))
    let expected = try run([:], try tensor(whole, [batch, 1, rows, keys]))
    try expect(found, near: Array(try expected.elements(as: Float.self)), [batch, heads, rows, size])
  }

  @Test func causalBehindACache() throws {
    let outputs = try evaluate(
      "Attention", attributes: ["is_causal": .int(1)],
      [
        .tensor(try tensor([-1.97, -3.25, -0.53, 1.33, 0.05, -1.17, -0.94, 1.13] as [Float], [1, 2, 2, 2])),
        .tensor(try tensor([0.16, 0.05, -0.05, 0.04] as [Float], [1, 1, 2, 2])), .tensor(try tensor([0.81, 0.55, 0.22, -1.04] as [Float],
          [1, 1, 2, 2])), nil,
        .tensor(try tensor([1.15, -0.02] as [Float], [1, 1, 1, 2])), .tensor(try tensor([-2.2, -0.69] as [Float], [1, 1, 1, 2])),
      ], outputCount: 3)
    try expect(
      try outputs[0].asTensor(), near: [0.1229592, 0.2669666, -0.1381855, -0.3717723, -0.7648674, -0.09878258, -0.006232943, -0.3703553],
      [1, 2, 2, 2])
    try expect(try outputs[1].asTensor(), near: [1.15, -0.02, 0.16, 0.05, -0.05, 0.04], [1, 1, 3, 2])
    try expect(try outputs[2].asTensor(), near: [-2.2, -0.69, 0.81, 0.55, 0.22, -1.04], [1, 1, 3, 2])
  }

  @Test func headsThatDoNotDivide() throws {
    #expect(throws: PinionError.self) {
      try evaluate("Attention", [try tensor(q, [1, 2, 2, 2]), try tensor(k + k + k, [1, 3, 3, 2]), try tensor(v + v + v, [1, 3, 3, 2])])
    }
  }

  @Test func lengthOutOfRange() throws {
    #expect(throws: PinionError.self) {
      try evaluate(
        "Attention",
        [
          try tensor(q, [1, 2, 2, 2]), try tensor(k, [1, 1, 3, 2]), try tensor(v, [1, 1, 3, 2]), nil, nil, nil,
          try tensor([4] as [Int64], [1]),
        ])
    }
  }
}
