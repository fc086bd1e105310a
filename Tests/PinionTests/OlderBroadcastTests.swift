import Pinion
import Testing

/// Before opset 7 an attribute says at which axis of the first operand the second one lies. Whatever passes and kernels do with such a
/// node, it must stay there.
@Suite struct OlderBroadcastTests {
  /// The second operand's element for each element of the first, by the rule as opset 6 words it: the axes of B are those of A from
  /// `axis` on, or the last ones; its extents of 1 are repeated.
  private func places(_ a: [Int], _ b: [Int], axis: Int?) -> [Int] {
    let start = axis ?? a.count - b.count
    return (0..<a.reduce(1, *)).map { index in
      var rest = index, coordinates = [Int](repeating: 0, count: a.count)
      for dimension in a.indices.reversed() {
        coordinates[dimension] = rest % a[dimension]
        rest /= a[dimension]
      }
      return b.indices.reduce(0) { $0 * b[$1] + (b[$1] == 1 ? 0 : coordinates[start + $1]) }
    }
  }

  private static let arithmetic: [(String, @Sendable (Float, Float) -> Float)] = [
    ("Add", { $0 + $1 }), ("Sub", { $0 - $1 }), ("Mul", { $0 * $1 }), ("Div", { $0 / $1 }),
    ("Pow", { b, e in e == 1 ? b : e == 2 ? b * b : e == 3 ? b * b * b : 1 / (b * b) }),
  ]
  private static let comparisons: [(String, @Sendable (Float, Float) -> Bool)] = [("Less", { $0 < $1 }), ("Greater", { $0 > $1 })]
  private static let logic: [(String, @Sendable (Bool, Bool) -> Bool)] = [
    ("And", { $0 && $1 }), ("Or", { $0 || $1 }), ("Xor", { $0 != $1 }),
  ]
  /// Extents alike and different, so that a misplaced operand is wrong and not refused.
  private static let shapes: [[Int]] = [[3], [2, 2], [3, 2], [2, 2, 2], [2, 3, 2], [2, 2, 2, 2], [1, 3, 2, 3], [1, 3, 2, 4]]

  private enum Place: CaseIterable { case graph, function, branch }

  /// One node of opset 6, in the graph, in a function of that opset or in both branches of an If; the second operand given or constant,
  /// the first operand's rank declared or not.
  private func run(
    _ op: String, _ a: Tensor, _ b: Tensor, axis: Int?, level: Int, place: Place, isConstant: Bool, isDeclared: Bool
  ) throws -> Tensor {
    var attributes: [(String, ONNX.Attribute)] = [("broadcast", .int(1))]
    if let axis { attributes.append(("axis", .int(Int64(axis)))) }
    let node = ONNX.Node(op, ["a", "b"], ["y"], attributes)
    var graph = ONNX.Graph(inputs: [("a", .tensor(a.element, isDeclared ? a.shape.dims : nil))], outputs: ["y"])
    var functions: [ONNX.Function] = []
    switch place {
    case .graph: graph.nodes = [node]
    case .function:
      functions = [ONNX.Function(name: "f", inputs: ["a", "b"], outputs: ["y"], nodes: [node], opset: 6)]
      graph.nodes = [ONNX.Node("f", ["a", "b"], ["y"], domain: "local")]
    case .branch:
      let branch = ONNX.Graph(nodes: [ONNX.Node(op, ["a", "b"], ["z"], attributes)], outputs: ["z"])
      graph.nodes = [ONNX.Node("If", ["c"], ["y"], [("then_branch", .graph(branch)), ("else_branch", .graph(branch))])]
      graph.inputs.append(("c", .tensor(.bool, [])))
    }
    if isConstant { graph.initializers = [("b", b)] } else { graph.inputs.append(("b", .tensor(b.element, isDeclared ? b.shape.dims : nil))) }
    let model = try load(ONNX.model(graph, opset: place == .function ? 17 : 6, functions: functions))
    var inputs: [String: Value] = ["a": .tensor(a)]
    if !isConstant { inputs["b"] = .tensor(b) }
    if place == .branch { inputs["c"] = .tensor(try Tensor(scalar: true)) }
    return try session(model, level: level).run(inputs)[0].asTensor()
  }

  /// Calls `body` with every way in which the second operand may lie along the first.
  private func forEachCase(_ body: (_ a: [Int], _ b: [Int], _ axis: Int?) throws -> Void) rethrows {
    for a in Self.shapes {
      for start in a.indices {
        for end in (start + 1)...a.count {
          try body(a, Array(a[start..<end]), start)
          try body(a, Array(a[start..<end]), start - a.count)
          if end == a.count { try body(a, Array(a[start..<end]), nil) }
          if end - start > 1 { try body(a, [1] + a[(start + 1)..<end], start) }
        }
      }
      try body(a, [1], nil)
      try body(a, [], nil)
    }
  }

  private func sweep<T: Element & Equatable, R: Element & Equatable>(
    _ op: String, level: Int, first: (Int) -> T, second: (Int) -> T, _ reference: (T, T) -> R
  ) throws {
    var number = 0
    try forEachCase { shape, other, axis in
      let count = shape.reduce(1, *), otherCount = other.reduce(1, *)
      let a = (0..<count).map(first), b = (0..<otherCount).map(second)
      let expected = zip(a, places(shape, other, axis: axis.map { $0 < 0 ? $0 + shape.count : $0 })).map { reference($0, b[$1]) }
      number += 1
      let place = Place.allCases[number % 3]
      let result = try run(
        op, try Tensor(a, try Shape(shape)), try Tensor(b, try Shape(other)), axis: axis, level: level, place: place,
        isConstant: number % 2 == 0, isDeclared: number % 5 < 3)
      #expect(result.shape.dims == shape, "\(op) of \(shape) and \(other) at \(axis ?? 99), level \(level), in a \(place)")
      #expect(try result.elements(as: R.self) == expected, "\(op) of \(shape) and \(other) at \(axis ?? 99), level \(level), in a \(place)")
    }
  }

  @Test(arguments: 0...2) func everyOperatorAtEveryAxis(level: Int) throws {
    for (op, reference) in Self.arithmetic {
      // Divisors that are powers of two and others, exponents that passes and kernels know.
      let seconds: [Float] = op == "Pow" ? [1, 2, 3, -2] : [1, 2, 4, -0.5, 8, 16]
      try sweep(op, level: level, first: { Float($0 + 1) }, second: { seconds[$0 % seconds.count] }, reference)
    }
    for (op, reference) in Self.comparisons {
      try sweep(op, level: level, first: { Float($0 % 5) }, second: { Float($0 * 2 % 5) }, reference)
    }
    try sweep("Equal", level: level, first: { Int64($0 % 3) }, second: { Int64($0 % 3) }, ==)
    for (op, reference) in Self.logic { try sweep(op, level: level, first: { $0 % 3 == 0 }, second: { $0 % 2 == 0 }, reference) }
  }

  @Test(arguments: 0...2) func theDivisionThatWentWrong(level: Int) throws {
    let x = try floats([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2]), b = try floats([1, 2], [2])
    for isDeclared in [true, false] {
      for isConstant in [true, false] {
        for place in [Place.graph, .function, .branch] {
          let y = try run("Div", x, b, axis: 1, level: level, place: place, isConstant: isConstant, isDeclared: isDeclared)
          #expect(try y.elements(as: Float.self) == [1, 2, 3, 4, 2.5, 3, 3.5, 4])
        }
      }
    }
  }

  /// (x - mean) / std by channel, on a picture that is as wide as it has channels and on one that is not.
  @Test(arguments: 0...2, [3, 4]) func pictureNormalisation(level: Int, width: Int) throws {
    let mean: [Float] = [1, 2, 3], std: [Float] = [64, 128, 64]
    let channel: [(String, ONNX.Attribute)] = [("broadcast", .int(1)), ("axis", .int(1))]
    let nodes = [ONNX.Node("Sub", ["x", "mean"], ["d"], channel), ONNX.Node("Div", ["d", "std"], ["y"], channel)]
    let x = (0..<3 * 2 * width).map { Float($0 * 8) }
    let expected = x.indices.map { (x[$0] - mean[$0 / (2 * width)]) / std[$0 / (2 * width)] }
    for isFunction in [false, true] {
      var graph = ONNX.Graph(nodes: nodes, inputs: [("x", .tensor(.float32, [1, 3, 2, width]))], outputs: ["y"])
      graph.initializers = [("mean", try floats(mean, [3])), ("std", try floats(std, [3]))]
      var functions: [ONNX.Function] = []
      if isFunction {
        functions = [ONNX.Function(name: "f", inputs: ["x", "mean", "std"], outputs: ["y"], nodes: nodes, opset: 6)]
        graph.nodes = [ONNX.Node("f", ["x", "mean", "std"], ["y"], domain: "local")]
      }
      let model = try load(ONNX.model(graph, opset: isFunction ? 17 : 6, functions: functions))
      let y = try session(model, level: level).run(["x": .tensor(try floats(x, [1, 3, 2, width]))])[0].asTensor()
      #expect(try y.elements(as: Float.self) == expected)
    }
  }

  /// A product and then a vector along its rows, not its columns, of which there are as many.
  @Test(arguments: 0...2, ["Gemm", "MatMul"]) func rowsBehindAProduct(level: Int, product: String) throws {
    // [[1, 2], [3, 4]] · [[1, 1], [0, 2]] = [[1, 5], [3, 11]]
    let w = try floats([1, 1, 0, 2], [2, 2]), rows = try floats([2, 8], [2])
    let cases: [(String, [Float])] = [
      ("Add", [3, 7, 11, 19]), ("Sub", [-1, 3, -5, 3]), ("Mul", [2, 10, 24, 88]), ("Div", [0.5, 2.5, 0.375, 1.375]),
    ]
    for (op, expected) in cases {
      for isDeclared in [true, false] {
        let inputs = product == "Gemm" ? ["x", "w", "zero"] : ["x", "w"]
        let graph = ONNX.Graph(
          nodes: [
            ONNX.Node(product, inputs, ["p"], product == "Gemm" ? [("broadcast", .int(1))] : []),
            ONNX.Node(op, ["p", "rows"], ["q"], [("broadcast", .int(1)), ("axis", .int(0))]), ONNX.Node("Relu", ["q"], ["r"]),
            ONNX.Node("Neg", ["q"], ["n"]),
          ],
          inputs: [("x", .tensor(.float32, isDeclared ? [2, 2] : nil))], outputs: ["r", "n"],
          initializers: [("w", w), ("rows", rows)] + (product == "Gemm" ? [("zero", try floats([0, 0], [2]))] : []))
        let outputs = try session(try load(ONNX.model(graph, opset: 6)), level: level).run(["x": .tensor(try floats([1, 2, 3, 4], [2, 2]))])
        #expect(try outputs[0].asTensor().elements(as: Float.self) == expected.map { max($0, 0) })
        #expect(try outputs[1].asTensor().elements(as: Float.self) == expected.map { -$0 })
      }
    }
  }

  /// A convolution and then a vector along the rows of its pictures, of which there are as many as channels.
  @Test(arguments: 0...2) func rowsBehindAConvolution(level: Int) throws {
    let w = try floats([1, 2], [2, 1, 1, 1]), vector = try floats([2, 4], [2])
    // Channel 0 is x, channel 1 is 2x.
    for (axis, expected): (Int64, [Float]) in [
      (1, [2, 4, 6, 8, 8, 16, 24, 32]), (2, [2, 4, 12, 16, 4, 8, 24, 32]), (3, [2, 8, 6, 16, 4, 16, 12, 32]),
    ] {
      let graph = ONNX.Graph(
        nodes: [
          ONNX.Node("Conv", ["x", "w"], ["c"]), ONNX.Node("Mul", ["c", "v"], ["y"], [("broadcast", .int(1)), ("axis", .int(axis))]),
        ],
        inputs: [("x", .tensor(.float32, [1, 1, 2, 2]))], outputs: ["y"], initializers: [("w", w), ("v", vector)])
      let session = try session(try load(ONNX.model(graph, opset: 6)), level: level)
      let y = try session.run(["x": .tensor(try floats([1, 2, 3, 4], [1, 1, 2, 2]))])
      #expect(try y[0].asTensor().elements(as: Float.self) == expected)
      // Lifting costs nothing: channels go into the convolution, and what is lifted beforehand is a constant.
      let operators = session.program.graph.nodes.map(\.schema.qualifiedName)
      #expect(operators == (level == 0 ? ["Conv", "pinion::AlignAxes", "Mul"] : level == 2 && axis == 1 ? ["Conv"] : ["Conv", "Mul"]))
    }
  }

  /// A layer normalisation over the last axis of a square matrix whose scale and shift run along the first.
  @Test(arguments: 0...2, [0, 1]) func layerNormalisationWithWeightsAlongAnAxis(level: Int, axis: Int64) throws {
    let along: [(String, ONNX.Attribute)] = [("broadcast", .int(1)), ("axis", .int(axis))]
    let mean: [(String, ONNX.Attribute)] = [("axes", .ints([1])), ("keepdims", .int(1))]
    let one: [(String, ONNX.Attribute)] = [("broadcast", .int(1))]
    let lined: [(String, ONNX.Attribute)] = [("broadcast", .int(1)), ("axis", .int(0))]
    let graph = ONNX.Graph(
      nodes: [
        ONNX.Node("ReduceMean", ["x"], ["m"], mean), ONNX.Node("Sub", ["x", "m"], ["d"], lined), ONNX.Node("Mul", ["d", "d"], ["s"]),
        ONNX.Node("ReduceMean", ["s"], ["v"], mean), ONNX.Node("Add", ["v", "epsilon"], ["e"], one), ONNX.Node("Sqrt", ["e"], ["r"]),
        ONNX.Node("Div", ["d", "r"], ["n"], lined), ONNX.Node("Mul", ["n", "scale"], ["t"], along),
        ONNX.Node("Add", ["t", "shift"], ["y"], along),
      ],
      inputs: [("x", .tensor(.float32, [2, 2]))], outputs: ["y"],
      initializers: [("epsilon", try floats([0], [1])), ("scale", try floats([2, 8], [2])), ("shift", try floats([1, 3], [2]))])
    // Each row is normalised to -1, 1.
    let expected: [Float] = axis == 0 ? [-1, 3, -5, 11] : [-1, 11, -1, 11]
    let y = try session(try load(ONNX.model(graph, opset: 6)), level: level).run(["x": .tensor(try floats([1, 3, 10, 20], [2, 2]))])
    for (found, expected) in zip(try y[0].asTensor().elements(as: Float.self), expected) { #expect(abs(found - expected) < 1e-4) }
  }

  /// Slopes of PRelu before opset 7 are those of the channels, on axis 1, whatever the other extents are.
  @Test(arguments: 0...2) func slopesOfChannels(level: Int) throws {
    for isDeclared in [true, false] {
      for (slopes, expected): ([Float], [Float]) in [([2, 4], [-2, -2, -4, -4]), ([3], [-3, -3, -3, -3])] {
        let graph = ONNX.Graph(
          nodes: [ONNX.Node("PRelu", ["x", "slope"], ["y"])], inputs: [("x", .tensor(.float32, isDeclared ? [1, 2, 1, 2] : nil))],
          outputs: ["y"], initializers: [("slope", try floats(slopes, [slopes.count]))])
        let x = try floats([-1, -1, -1, -1], [1, 2, 1, 2])
        let y = try session(try load(ONNX.model(graph, opset: 6)), level: level).run(["x": .tensor(x)])
        #expect(try y[0].asTensor().elements(as: Float.self) == expected)
      }
    }
  }

  @Test func anOperandThatDoesNotFitIsRefused() throws {
    let a = try floats([Float](repeating: 1, count: 8), [2, 2, 2]), b = try floats([1, 2, 3, 4], [2, 2])
    for (axis, isDeclared) in [(2, true), (2, false), (3, true), (-4, false)] {
      let found = try? run("Add", a, b, axis: axis, level: 2, place: .graph, isConstant: true, isDeclared: isDeclared)
      #expect(found == nil)
    }
  }
}
