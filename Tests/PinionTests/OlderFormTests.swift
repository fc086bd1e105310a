import Pinion
import Testing

/// Nodes of older opsets among neighbours that passes look for: the levels must agree with the older text of the specification.
@Suite struct OlderFormTests {
  private func run(_ graph: ONNX.Graph, opset: Int64, _ inputs: [String: Value], near tolerance: Float = 0, _ expected: [Float]) throws {
    for level in 0...2 {
      let y = try session(try load(ONNX.model(graph, opset: opset)), level: level).run(inputs)[0].asTensor().elements(as: Float.self)
      #expect(y.count == expected.count)
      #expect(zip(y, expected).allSatisfy { abs($0 - $1) <= tolerance }, "level \(level): \(y), expected \(expected)")
    }
  }

  private func batchNormalization(_ outputs: [String], _ opset: Int64, _ attributes: [(String, ONNX.Attribute)] = []) throws -> ONNX.Graph {
    ONNX.Graph(
      nodes: [ONNX.Node("BatchNormalization", ["x", "scale", "shift", "mean", "variance"], outputs, [("epsilon", .float(0))] + attributes)],
      inputs: [("x", .tensor(.float32, [1, 2, 1, 2]))], outputs: ["y"],
      initializers: [
        ("scale", try floats([2, 3], [2])), ("shift", try floats([1, 0], [2])), ("mean", try floats([1, 2], [2])),
        ("variance", try floats([4, 1], [2])),
      ])
  }

  /// (x - mean) / sqrt(variance) * scale + shift with the given statistics: an output with the empty name is none.
  @Test func batchNormalizationWithoutNamesForItsFurtherOutputs() throws {
    let x: [String: Value] = ["x": .tensor(try floats([1, 3, 2, 5], [1, 2, 1, 2]))]
    for opset: Int64 in [1, 6, 7, 9] {
      try run(try batchNormalization(["y", "", "", "", ""], opset), opset: opset, x, [1, 3, 0, 9])
      try run(try batchNormalization(["y"], opset), opset: opset, x, [1, 3, 0, 9])
      // Of the batch: each channel to -1, 1.
      try run(try batchNormalization(["y", "", "", "", "v"], opset), opset: opset, x, near: 1e-5, [-1, 3, -3, 3])
    }
    try run(try batchNormalization(["y", "", ""], 15), opset: 15, x, [1, 3, 0, 9])
  }

  /// Statistics for each position, behind a convolution that could take those of channels.
  @Test func batchNormalizationOfPositions() throws {
    var graph = try batchNormalization(["y"], 7, [("spatial", .int(0))])
    graph.nodes[0].inputs[0] = "c"
    graph.nodes.insert(ONNX.Node("Conv", ["x", "w"], ["c"]), at: 0)
    graph.initializers = [
      ("w", try floats([1, 1], [2, 1, 1, 1])), ("scale", try floats([1, 2, 3, 4], [2, 1, 2])), ("shift", try floats([0, 0, 0, 1], [2, 1, 2])),
      ("mean", try floats([1, 1, 1, 1], [2, 1, 2])), ("variance", try floats([1, 1, 4, 4], [2, 1, 2])),
    ]
    graph.inputs = [("x", .tensor(.float32, [1, 1, 1, 2]))]
    try run(graph, opset: 7, ["x": .tensor(try floats([3, 5], [1, 1, 1, 2]))], [2, 8, 3, 9])
  }

  /// Before opset 10 the mask is of the type of the data: `T`, where later versions have bool.
  @Test func maskOfDropoutIsOfTheDatasType() throws {
    let graph = ONNX.Graph(
      nodes: [ONNX.Node("Dropout", ["x"], ["kept", "mask"]), ONNX.Node("Add", ["x", "mask"], ["y"])],
      inputs: [("x", .tensor(.float32, [700]))], outputs: ["y"])
    let x = (0..<700).map(Float.init)
    for opset: Int64 in [1, 6, 7, 9] { try run(graph, opset: opset, ["x": .tensor(try floats(x, [700]))], x.map { $0 + 1 }) }
  }

  /// In opset 1 the pieces may be an input, of the type of the data.
  @Test func splitWithPiecesAsInput() throws {
    let pieces = try floats([1, 3], [2]), x: [String: Value] = ["x": .tensor(try floats([1, 2, 3, 4], [4]))]
    for isConstant in [true, false] {
      var graph = ONNX.Graph(nodes: [ONNX.Node("Split", ["x", "pieces"], ["a", "y"])], inputs: [("x", .tensor(.float32, [4]))], outputs: ["y"])
      if isConstant { graph.initializers = [("pieces", pieces)] } else { graph.inputs.append(("pieces", .tensor(.float32, [2]))) }
      try run(graph, opset: 1, isConstant ? x : x.merging(["pieces": .tensor(pieces)]) { a, _ in a }, [2, 3, 4])
    }
    let graph = ONNX.Graph(
      nodes: [ONNX.Node("Split", ["x"], ["a", "y"], [("split", .ints([1, 3])), ("axis", .int(0))])],
      inputs: [("x", .tensor(.float32, [4]))], outputs: ["y"])
    for opset: Int64 in [1, 2, 11] { try run(graph, opset: opset, x, [2, 3, 4]) }
  }

  /// As many pieces as outputs are listed, with a name or without.
  @Test func splitWithoutNamesForItsLastPieces() throws {
    let x: [String: Value] = ["x": .tensor(try floats([1, 2, 3, 4], [4]))]
    func negatedPiece(_ outputs: [String], _ attributes: [(String, ONNX.Attribute)]) -> ONNX.Graph {
      ONNX.Graph(
        nodes: [ONNX.Node("Split", ["x"], outputs, attributes), ONNX.Node("Neg", ["p"], ["y"])], inputs: [("x", .tensor(.float32, [4]))],
        outputs: ["y"])
    }
    for opset: Int64 in [2, 11, 13] { try run(negatedPiece(["p", ""], []), opset: opset, x, [-1, -2]) }
    try run(negatedPiece(["p", ""], [("split", .ints([1, 3]))]), opset: 11, x, [-1])
    try run(negatedPiece(["p"], [("num_outputs", .int(2))]), opset: 18, x, [-1, -2])
    try run(negatedPiece(["p"], []), opset: 13, x, [-1, -2, -3, -4])
    let adagrad = ONNX.Graph(
      nodes: [
        ONNX.Node("Adagrad", ["r", "t", "x", "g", "h"], ["y", ""], [("epsilon", .float(0))], domain: "ai.onnx.preview.training")
      ],
      inputs: [("x", .tensor(.float32, [4]))], outputs: ["y"],
      initializers: [
        ("r", try Tensor(scalar: Float(0.5))), ("t", try Tensor(scalar: Int64(0))), ("g", try floats([1, 1, 1, 1], [4])),
        ("h", try floats([3, 3, 3, 3], [4])),
      ])
    // x - r * g / sqrt(h + g²)
    try run(adagrad, opset: 20, x, near: 1e-6, [0.75, 1.75, 2.75, 3.75])
    let newest = ONNX.Graph(
      nodes: [ONNX.Node("Split", ["x"], ["y"], [("num_outputs", .int(2))])], inputs: [("x", .tensor(.float32, [4]))], outputs: ["y"])
    try run(newest, opset: 18, x, [1, 2])
  }

  /// Before opset 13 a Softmax runs over all axes from its own on, which is 1 where it is not given.
  @Test func softmaxOverAllFollowingAxes() throws {
    let share: Float = 1.0 / 4
    for (axis, opset): (Int64?, Int64) in [(nil, 1), (1, 11), (-2, 11)] {
      let graph = ONNX.Graph(
        nodes: [
          ONNX.Node("MatMul", ["q", "k"], ["s"]), ONNX.Node("Softmax", ["s"], ["p"], axis.map { [("axis", .int($0))] } ?? []),
          ONNX.Node("MatMul", ["p", "v"], ["y"]),
        ],
        inputs: [("q", .tensor(.float32, [1, 2, 2])), ("k", .tensor(.float32, [1, 2, 2])), ("v", .tensor(.float32, [1, 2, 1]))], outputs: ["y"])
      let zeros = try floats([0, 0, 0, 0], [1, 2, 2])
      try run(
        graph, opset: opset, ["q": .tensor(zeros), "k": .tensor(zeros), "v": .tensor(try floats([1, 3], [1, 2, 1]))], near: 1e-6,
        [4 * share, 4 * share])
    }
  }

  /// Attention written out, with a Softmax that runs over heads, rows and columns and must not become one over columns.
  @Test func softmaxOfOlderOpsetsInAttention() throws {
    let attention = { (axis: Int64) in
      ONNX.Graph(
        nodes: [
          ONNX.Node("Transpose", ["k"], ["t"], [("perm", .ints([0, 1, 3, 2]))]), ONNX.Node("MatMul", ["q", "t"], ["s"]),
          ONNX.Node("Softmax", ["s"], ["p"], [("axis", .int(axis))]), ONNX.Node("MatMul", ["p", "v"], ["y"]),
        ],
        inputs: ["q", "k", "v"].map { ($0, .tensor(.float32, [1, 2, 2, 1])) }, outputs: ["y"])
    }
    let zeros = Value.tensor(try floats([0, 0, 0, 0], [1, 2, 2, 1]))
    let inputs: [String: Value] = ["q": zeros, "k": zeros, "v": .tensor(try floats([1, 3, 5, 7], [1, 2, 2, 1]))]
    // Each probability is one over the number of elements that a line has: 2, 4 and 8.
    for (axis, share): (Int64, Float) in [(3, 0.5), (-1, 0.5), (2, 0.25), (1, 0.125)] {
      try run(attention(axis), opset: 11, inputs, near: 1e-5, [4 * share, 4 * share, 12 * share, 12 * share])
    }
  }

  /// Bounds as attributes, in a pattern that becomes HardSwish and behind a product.
  @Test func clipWithAttributes() throws {
    let hard = ONNX.Graph(
      nodes: [
        ONNX.Node("Add", ["x", "three"], ["a"], [("broadcast", .int(1))]),
        ONNX.Node("Clip", ["a"], ["c"], [("min", .float(0)), ("max", .float(6))]), ONNX.Node("Mul", ["x", "c"], ["m"]),
        ONNX.Node("Div", ["m", "six"], ["y"], [("broadcast", .int(1))]),
      ],
      inputs: [("x", .tensor(.float32, [3]))], outputs: ["y"],
      initializers: [("three", try floats([3], [1])), ("six", try floats([6], [1]))])
    try run(hard, opset: 6, ["x": .tensor(try floats([-4, 1, 5], [3]))], near: 1e-6, [0, 4.0 / 6, 5])
    let product = ONNX.Graph(
      nodes: [ONNX.Node("MatMul", ["x", "w"], ["p"]), ONNX.Node("Clip", ["p"], ["y"], [("max", .float(3))])],
      inputs: [("x", .tensor(.float32, [1, 2]))], outputs: ["y"], initializers: [("w", try floats([1, -2, 1, -2], [2, 2]))])
    try run(product, opset: 6, ["x": .tensor(try floats([2, 3], [1, 2]))], [3, -10])
  }

  /// Scale and shift of a group, not of a channel; padding with a value of its own; repeats along one axis; axes as attributes.
  @Test func attributesOfOtherOlderForms() throws {
    let groups = ONNX.Graph(
      nodes: [ONNX.Node("GroupNormalization", ["x", "scale", "shift"], ["y"], [("num_groups", .int(1)), ("epsilon", .float(0))])],
      inputs: [("x", .tensor(.float32, [1, 2, 1]))], outputs: ["y"], initializers: [("scale", try floats([2], [1])), ("shift", try floats([1], [1]))])
    try run(groups, opset: 18, ["x": .tensor(try floats([1, 3], [1, 2, 1]))], near: 1e-5, [-1, 3])
    let vector: [(String, ONNX.Kind)] = [("x", .tensor(.float32, [2]))], x: [String: Value] = ["x": .tensor(try floats([1, 2], [2]))]
    func unary(_ op: String, _ attributes: [(String, ONNX.Attribute)]) -> ONNX.Graph {
      ONNX.Graph(nodes: [ONNX.Node(op, ["x"], ["y"], attributes)], inputs: vector, outputs: ["y"])
    }
    try run(unary("Pad", [("paddings", .ints([1, 0])), ("value", .float(9))]), opset: 1, x, [9, 1, 2])
    try run(unary("Pad", [("pads", .ints([0, 1])), ("value", .float(9))]), opset: 2, x, [1, 2, 9])
    try run(unary("Slice", [("starts", .ints([1])), ("ends", .ints([9])), ("axes", .ints([-1]))]), opset: 9, x, [2])
    try run(unary("ReduceSum", [("axes", .ints([0])), ("keepdims", .int(0))]), opset: 11, x, [3])
    try run(unary("Dropout", [("ratio", .float(0.9)), ("is_test", .int(0))]), opset: 6, x, [1, 2])
    try run(unary("Reshape", [("shape", .ints([2, -1]))]), opset: 1, x, [1, 2])
    try run(unary("Unsqueeze", [("axes", .ints([0]))]), opset: 11, x, [1, 2])
    let tile = ONNX.Graph(
      nodes: [ONNX.Node("Tile", ["x", "tiles", "axis"], ["y"])], inputs: vector, outputs: ["y"],
      initializers: [("tiles", try floats([2], [1])), ("axis", try floats([0], [1]))])
    try run(tile, opset: 1, x, [1, 2, 1, 2])
    let topK = ONNX.Graph(nodes: [ONNX.Node("TopK", ["x"], ["y", "i"], [("k", .int(1))])], inputs: vector, outputs: ["y"])
    try run(topK, opset: 9, x, [2])
    let concat = ONNX.Graph(
      nodes: [ONNX.Node("Concat", ["m", "m"], ["y"])], inputs: [("m", .tensor(.float32, [2, 1]))], outputs: ["y"])
    try run(concat, opset: 1, ["m": .tensor(try floats([1, 2], [2, 1]))], [1, 1, 2, 2])
  }
}
