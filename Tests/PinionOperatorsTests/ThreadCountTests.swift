import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionRuntime
import PinionTensor
import Testing

/// Every operator gives the same bits on any number of threads: arithmetic is ordered by shapes, threads only share it out.
@Suite struct ThreadCountTests {
  private struct Numbers {
    var state: UInt64 = 42
    mutating func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % max(limit, 1)
    }
    mutating func floats(_ dims: Int...) throws -> Tensor {
      try tensor((0..<dims.reduce(1, *)).map { _ in Float(next(2_000_001) - 1_000_000) / 700_001 }, dims)
    }
    mutating func bytes(_ dims: Int...) throws -> Tensor { try tensor((0..<dims.reduce(1, *)).map { _ in UInt8(next(256)) }, dims) }
  }

  private func expectSame(_ name: String, _ inputs: [Tensor?], constants: Set<Int> = []) throws {
    try expectSame(name, [:], inputs, constants: constants)
  }

  private func expectSame(
    _ name: String, domain: String = "", _ attributes: [String: AttributeValue], _ inputs: [Tensor?], constants: Set<Int> = [],
    outputCount: Int = 1
  ) throws {
    var graph = Graph()
    var operands: [ValueID?] = [], fed: [Value] = []
    for (index, input) in inputs.enumerated() {
      guard let input else {
        operands.append(nil)
        continue
      }
      if constants.contains(index) {
        operands.append(graph.addConstant(input))
      } else {
        let value = graph.addValue("input\(index)")
        graph.inputs.append(value)
        operands.append(value)
        fed.append(.tensor(input))
      }
    }
    graph.outputs = (0..<outputCount).map { graph.addValue("output\($0)") }
    graph.nodes = [
      try OperatorCatalog().node(
        name, domain: domain, name: "node", attributes: attributes, inputs: operands, outputs: graph.outputs, subgraphs: [])
    ]
    var first: [Value] = []
    for threads in 1...4 {
      let program = Program(
        graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: threads)), packed: PackedWeights())
      let found = try program.run(fed, control: RunControl())
      if threads == 1 { first = found }
      for (a, b) in zip(first, found) {
        let (x, y) = (try a.asTensor(), try b.asTensor())
        #expect(
          x.hasSameContents(as: y), "\(name) of \(inputs.map { $0?.type.description ?? "-" }), constants \(constants): \(threads) threads")
      }
    }
  }

  /// The shapes of the fault that this suite stands for, then others that cut rows, columns and depth.
  @Test func products() throws {
    var numbers = Numbers()
    var shapes = [(20, 768, 32), (1, 768, 768), (4, 300, 300), (13, 1100, 8), (3, 1030, 1030), (14, 600, 40), (183, 70, 33)]
    for _ in 0..<30 { shapes.append((1 + numbers.next(60), 1 + numbers.next(1200), 1 + numbers.next(200))) }
    for (m, k, n) in shapes {
      let a = try numbers.floats(m, k), b = try numbers.floats(k, n), bias = try numbers.floats(n)
      for constants: Set<Int> in [[], [0], [1]] {
        try expectSame("MatMul", [a, b], constants: constants)
        try expectSame("Einsum", ["equation": .string("ij,jk->ik")], [a, b], constants: constants)
      }
      let transposed = try numbers.floats(n, k)
      for constants: Set<Int> in [[], [1, 2]] { try expectSame("Gemm", ["transB": .int(1)], [a, transposed, bias], constants: constants) }
      try expectSame("MatMulInteger", [try numbers.bytes(m, k), try numbers.bytes(k, n)], constants: [1])
    }
    for _ in 0..<10 {
      let (batch, m, k, n) = (1 + numbers.next(5), 1 + numbers.next(30), 1 + numbers.next(600), 1 + numbers.next(90))
      try expectSame("MatMul", [try numbers.floats(batch, m, k), try numbers.floats(batch, k, n)])
    }
  }

  /// Hidden states that are wide enough for threads to share each step's product.
  @Test func recurrences() throws {
    var numbers = Numbers()
    for (name, gates) in [("LSTM", 4), ("GRU", 3), ("RNN", 1)] {
      for (batch, hidden) in [(1, 300), (3, 261), (20, 130)] {
        for direction in ["forward", "bidirectional"] {
          let directions = direction == "forward" ? 1 : 2
          let x = try numbers.floats(5, batch, 7), w = try numbers.floats(directions, gates * hidden, 7)
          let r = try numbers.floats(directions, gates * hidden, hidden)
          try expectSame(
            name, ["hidden_size": .int(Int64(hidden)), "direction": .string(direction)], [x, w, r], constants: [1, 2], outputCount: 2)
          try expectSame(name, ["hidden_size": .int(Int64(hidden)), "direction": .string(direction)], [x, w, r], outputCount: 2)
        }
      }
    }
  }

  /// Sequences that end early: the rows behind their ends are left out of products, wherever blocks of rows end.
  @Test func sequencesOfTheirOwnLengths() throws {
    var numbers = Numbers()
    for round in 0..<60 {
      let (name, gates) = [("LSTM", 4), ("GRU", 3), ("RNN", 1)][round % 3]
      let (steps, batch, width, hidden) = (1 + numbers.next(12), 1 + numbers.next(6), 1 + numbers.next(40), [2, 5, 16, 33][numbers.next(4)])
      let isBatchFirst = numbers.next(2) == 1, directions = 1 + numbers.next(2)
      let x = isBatchFirst ? try numbers.floats(batch, steps, width) : try numbers.floats(steps, batch, width)
      let w = try numbers.floats(directions, gates * hidden, width), r = try numbers.floats(directions, gates * hidden, hidden)
      let lengths = try tensor((0..<batch).map { _ in Int32(numbers.next(steps + 1)) }, [batch])
      let attributes: [String: AttributeValue] = [
        "hidden_size": .int(Int64(hidden)), "direction": .string(directions == 1 ? "forward" : "bidirectional"), "layout": .int(isBatchFirst ? 1 : 0),
      ]
      try expectSame(name, attributes, [x, w, r, nil, lengths], constants: numbers.next(2) == 0 ? [] : [1, 2], outputCount: 2)
    }
  }

  @Test func blockQuantizedProducts() throws {
    var numbers = Numbers()
    for (m, k, n) in [(1, 256, 100), (3, 512, 33), (20, 768, 64), (5, 96, 130)] {
      let attributes: [String: AttributeValue] = ["K": .int(Int64(k)), "N": .int(Int64(n)), "bits": .int(4), "block_size": .int(32)]
      let inputs = [try numbers.floats(m, k), try numbers.bytes(n, k / 32, 16), try numbers.floats(n * k / 32)]
      try expectSame("MatMulNBits", domain: "com.microsoft", attributes, inputs, constants: [1, 2])
    }
  }

  @Test func convolutions() throws {
    var numbers = Numbers()
    for _ in 0..<25 {
      let group = [1, 1, 2][numbers.next(3)], channels = 1 + numbers.next(40), outputs = 1 + numbers.next(40)
      let extent = 5 + numbers.next(24), kernel = [1, 3, 3, 5][numbers.next(4)]
      let x = try numbers.floats(1 + numbers.next(2), group * channels, extent, extent + 1)
      let w = try numbers.floats(group * outputs, channels, kernel, kernel)
      let attributes: [String: AttributeValue] = [
        "group": .int(Int64(group)), "pads": .ints([Int64](repeating: Int64(kernel / 2), count: 4)),
      ]
      for constants: Set<Int> in [[], [1]] {
        try expectSame("Conv", attributes, [x, w], constants: constants)
        let back = try numbers.floats(group * channels, outputs, kernel, kernel)
        try expectSame("ConvTranspose", ["group": .int(Int64(group))], [x, back], constants: constants)
      }
    }
    // Winograd, with a last panel of few rows on some level.
    for outputs in [32, 33, 38, 45, 64] {
      try expectSame(
        "Conv", ["pads": .ints([1, 1, 1, 1])], [try numbers.floats(1, 36, 30, 29), try numbers.floats(outputs, 36, 3, 3)], constants: [1])
    }
    // Parts of few tiles, whose output channels threads share.
    for (images, groups, extent) in [(1, 1, 14), (1, 1, 7), (2, 1, 9), (1, 2, 13)] {
      for outputs in [64, 75] {
        try expectSame(
          "Conv", ["pads": .ints([1, 1, 1, 1]), "group": .int(Int64(groups))],
          [try numbers.floats(images, groups * 64, extent, extent), try numbers.floats(groups * outputs, 64, 3, 3)], constants: [1])
      }
    }
    // The same over several planes, in groups, where planes share transformed ones and where they do not.
    for taps in [1, 3] {
      let pad = Int64(taps / 2)
      try expectSame(
        "Conv", ["pads": .ints([pad, 1, 1, pad, 1, 1]), "group": .int(2)],
        [try numbers.floats(2, 36, 11, 17, 18), try numbers.floats(38, 18, taps, 3, 3)], constants: [1])
    }
    try expectSame("Conv", ["group": .int(30)], [try numbers.floats(2, 30, 25, 25), try numbers.floats(30, 1, 3, 3)], constants: [1])
  }

  @Test func reductionsAndNorms() throws {
    var numbers = Numbers()
    for dims in [(1, 300_000), (3, 70_001), (700, 33), (40, 4096)] {
      let x = try numbers.floats(dims.0, dims.1)
      for name in ["ReduceSum", "ReduceMean", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceMax", "ReduceProd"] {
        try expectSame(name, [x])
        for axis in [0, 1] as [Int64] { try expectSame(name, [x, try tensor([axis], [1])], constants: [1]) }
      }
      let scale = try numbers.floats(dims.1)
      try expectSame("LayerNormalization", [x, scale, scale])
      try expectSame("RMSNormalization", [x, scale])
      try expectSame("LpNormalization", [x])
      for axis in [0, 1] as [Int64] {
        for name in ["Softmax", "LogSoftmax"] { try expectSame(name, ["axis": .int(axis)], [x]) }
        try expectSame("CumSum", [x, try tensor([axis], [])], constants: [1])
      }
    }
    let planes = try numbers.floats(2, 12, 37, 41), each = try numbers.floats(12)
    try expectSame("InstanceNormalization", [planes, each, each])
    try expectSame("GroupNormalization", ["num_groups": .int(3)], [planes, each, each])
    try expectSame("MeanVarianceNormalization", [planes])
    try expectSame("BatchNormalization", ["training_mode": .int(1)], [planes, each, each, each, each], outputCount: 3)
    try expectSame("LRN", ["size": .int(5)], [planes])
    for name in ["GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool"] { try expectSame(name, [planes]) }
    for name in ["AveragePool", "LpPool", "MaxPool"] { try expectSame(name, ["kernel_shape": .ints([3, 3])], [planes]) }
  }

  @Test func attentionAndRecurrence() throws {
    var numbers = Numbers()
    for (queries, keys) in [(1, 70), (5, 5), (130, 130)] {
      let q = try numbers.floats(2, 3, queries, 40), k = try numbers.floats(2, 3, keys, 40), v = try numbers.floats(2, 3, keys, 24)
      try expectSame("Attention", ["is_causal": .int(queries == keys ? 1 : 0)], [q, k, v])
    }
    for (steps, batch, inputs, hidden) in [(7, 1, 300, 40), (3, 20, 64, 33), (12, 5, 900, 16)] {
      for (name, gates) in [("LSTM", 4), ("GRU", 3), ("RNN", 1)] {
        let x = try numbers.floats(steps, batch, inputs)
        let weights = [try numbers.floats(1, gates * hidden, inputs), try numbers.floats(1, gates * hidden, hidden)]
        for constants: Set<Int> in [[], [1, 2]] {
          try expectSame(name, ["hidden_size": .int(Int64(hidden))], [x] + weights, constants: constants, outputCount: 2)
        }
      }
    }
  }
}
