import Pinion
import Testing

@testable import PinionGraph

/// What a state makes of models that carry values in other ways than attention does.
@Suite struct StateKindTests {
  /// Runs both ways and compares all bits.
  private func check(_ plain: inout PlainCaches, _ state: State, _ inputs: [String: Value], _ comment: String = "") throws {
    let expected = try plain.step(inputs), found = try state.session.run(inputs, state: state)
    #expect(try bits(found) == bits(expected), "\(comment)")
    for pair in state.pairs {
      let value = try #require(plain.values[pair.input]).asTensor(), held = try state.value(pair.input)
      #expect(held.type == value.type && bits(held) == bits(value), "\(pair) \(comment)")
    }
  }

  /// past and x along an axis, read by others as a whole, and the past for itself.
  @Test(arguments: [0, 1, 2, 3, -1], [ElementType.float32, .int64, .float16]) func cachesAlongAnyAxis(_ axis: Int, _ element: ElementType) throws {
    var past = ["2", "3", "2", "2"], new = past
    let place = axis < 0 ? axis + 4 : axis
    past[place] = "P"
    new[place] = "N"
    let graph = ONNX.Graph(
      nodes: [
        ONNX.Node("Concat", ["past", "x"], ["present"], [("axis", .int(Int64(axis)))]), ONNX.Node("Identity", ["present"], ["all"]),
        ONNX.Node("Shape", ["past"], ["length"]), ONNX.Node("Neg", ["past"], ["before"]), ONNX.Node("Add", ["present", "present"], ["twice"]),
        ONNX.Node("Identity", ["past"], ["earlier"]),
      ], inputs: [("past", .named(element, past)), ("x", .named(element, new))],
      outputs: ["present", "all", "length", "before", "twice", "earlier"])
    let model = try load(ONNX.model(graph, opset: 17))
    for level in 0...2 {
      let session = try session(model, level: level), state = try State(session)
      #expect(state.isAppended == [true])
      var dims = [2, 3, 2, 2]
      dims[place] = 0
      var plain = PlainCaches(session, values: ["past": .tensor(try Tensor(TensorType(element, try Shape(dims))))])
      for (seed, rows) in [3, 1, 1, 0, 20, 1, 1].enumerated() {
        dims[place] = rows
        try check(&plain, state, ["x": .tensor(try filled(TensorType(element, try Shape(dims)), seed: seed))], "level \(level), axis \(axis)")
      }
      try state.truncate(to: 4)
      #expect(state.length == 4)
      dims[place] = 2
      let found = try session.run(["x": .tensor(try filled(TensorType(element, try Shape(dims)), seed: 3))], state: state)
      dims[place] = 4
      #expect(try found[1].asTensor().elements(as: Int64.self) == dims.map { Int64($0) })
    }
  }

  /// A cache that grows beside the last two rows of another one: the lengths differ, which is no batch of unequal sequences.
  @Test func windowsBesideCaches() throws {
    let graph = ONNX.Graph(
      nodes: [
        ONNX.Node("Concat", ["past", "x"], ["present"], [("axis", .int(0))]), ONNX.Node("Concat", ["past_w", "x"], ["all"], [("axis", .int(0))]),
        ONNX.Node("Slice", ["all"], ["present_w"], [("starts", .ints([-2])), ("ends", .ints([1000])), ("axes", .ints([0]))]),
      ], inputs: [("past", .named(.float32, ["P", "2"])), ("past_w", .named(.float32, ["W", "2"])), ("x", .named(.float32, ["N", "2"]))],
      outputs: ["present", "present_w"])
    let session = try session(try load(ONNX.model(graph, opset: 9)), level: 2), state = try State(session)
    #expect(state.isAppended == [true, false])
    let nothing = Value.tensor(try floats([], [0, 2]))
    try state.set("past_w", to: try nothing.asTensor())
    var plain = PlainCaches(session, values: ["past": nothing, "past_w": nothing])
    for seed in 0..<6 { try check(&plain, state, ["x": .tensor(try noise([1, 2], seed: seed))], "run \(seed)") }
    #expect(state.length == 6)
    // Rows that the window has let go do not come back.
    #expect(throws: PinionError.self) { try state.truncate(to: 3) }
    #expect(state.length == 6)
  }

  private func filled(_ type: TensorType, seed: Int) throws -> Tensor {
    let tensor = try Tensor(type)
    for index in 0..<type.count {
      switch type.element {
      case .int64: try tensor.mutableElements(as: Int64.self)[index] = Int64(seed * 100 + index)
      case .float16: try tensor.mutableElements(as: Float16.self)[index] = Float16(seed * 100 + index)
      default: try tensor.mutableElements(as: Float.self)[index] = Float(seed * 100 + index)
      }
    }
    return tensor
  }

  /// hn = tanh(x + h), c_out = c_in · 0.5, and a table that passes through.
  private func recurrent() throws -> Model {
    let graph = ONNX.Graph(
      nodes: [
        ONNX.Node("Add", ["x", "h"], ["s"]), ONNX.Node("Tanh", ["s"], ["hn"]), ONNX.Node("Mul", ["c_in", "half"], ["d"]),
        ONNX.Node("Add", ["d", "x"], ["c_out"]), ONNX.Node("Identity", ["table"], ["tablen"]), ONNX.Node("Add", ["s", "c_out"], ["y"]),
      ],
      inputs: [
        ("x", .named(.float32, ["batch", "4"])), ("h", .named(.float32, ["batch", "4"])), ("c_in", .named(.float32, ["batch", "4"])),
        ("table", .named(.float32, ["T"])),
      ], outputs: ["y", "hn", "c_out", "tablen"], initializers: [("half", try Tensor(scalar: Float(0.5)))])
    return try load(ONNX.model(graph, opset: 17))
  }

  @Test(arguments: 0...2) func recurrentValuesTakeTheirPredecessorsPlace(level: Int) throws {
    let session = try session(try recurrent(), level: level), state = try State(session)
    #expect(state.pairs.map(\.output) == ["hn", "c_out", "tablen"] && state.isAppended == [false, false, false] && state.length == nil)
    let zeros = Value.tensor(try floats([Float](repeating: 0, count: 12), [3, 4]))
    let table = try noise([1000], seed: 77)
    try state.set("table", to: table)
    var plain = PlainCaches(session, values: ["h": zeros, "c_in": zeros, "table": .tensor(table)])
    for seed in 0..<6 {
      try check(&plain, state, ["x": .tensor(try noise([3, 4], seed: seed))])
      // The table stays where it is.
      #expect(state.movedBytes == 2 * 48)
    }
    let bytes = state.byteCount, fork = try state.fork()
    var other = plain
    for seed in 6..<9 { try check(&plain, state, ["x": .tensor(try noise([3, 4], seed: seed))]) }
    #expect(state.byteCount == bytes)
    for seed in 10..<13 { try check(&other, fork, ["x": .tensor(try noise([3, 4], seed: seed))]) }
    #expect(code { () throws(PinionError) in try state.truncate(to: 0) } == .unsupported)
    // A failure keeps what was there.
    #expect(code { () throws(PinionError) in _ = try session.run(["x": .tensor(try noise([2, 4], seed: 1))], state: state) } == .invalidShape)
    for seed in 20..<22 { try check(&plain, state, ["x": .tensor(try noise([3, 4], seed: seed))]) }
    // From zeros again, in a batch of another size.
    try state.reset()
    try state.set("table", to: table)
    let fewer = Value.tensor(try floats([Float](repeating: 0, count: 4), [1, 4]))
    plain = PlainCaches(session, values: ["h": fewer, "c_in": fewer, "table": .tensor(table)])
    for seed in 0..<3 { try check(&plain, state, ["x": .tensor(try noise([1, 4], seed: seed))]) }
  }

  /// A Concat behind an If that is replaced by its branch when the plan is made.
  @Test(arguments: 0...2) func appendsWhatABranchMakes(level: Int) throws {
    func branch(_ op: String) -> ONNX.Graph { ONNX.Graph(nodes: [ONNX.Node(op, ["x"], ["z"])], outputs: ["z"]) }
    let graph = ONNX.Graph(
      nodes: [
        ONNX.Node("If", ["flag"], ["new"], [("then_branch", .graph(branch("Neg"))), ("else_branch", .graph(branch("Abs")))]),
        ONNX.Node("Concat", ["past", "new"], ["present"], [("axis", .int(1))]), ONNX.Node("Exp", ["new"], ["y"]),
      ], inputs: [("past", .named(.float32, ["2", "P", "3"])), ("x", .named(.float32, ["2", "N", "3"])), ("flag", .named(.bool, ["1"]))],
      outputs: ["present", "y"])
    let session = try session(try load(ONNX.model(graph, opset: 17)), level: level)
    let state = try State(session)
    #expect(state.isAppended == [true])
    var plain = PlainCaches(session, values: ["past": .tensor(try floats([], [2, 0, 3]))])
    for seed in 0..<40 {
      let flag = Value.tensor(try Tensor(vector: [seed % 3 == 0]))
      try check(&plain, state, ["x": .tensor(try noise([2, 1 + seed % 2, 3], seed: seed)), "flag": flag])
      #expect(state.movedBytes >= 0)
    }
  }

  /// New rows whose number only the run knows: memory grows when their node is met.
  @Test(arguments: 0...2) func appendsSoManyRowsAsValuesTell(level: Int) throws {
    let graph = ONNX.Graph(
      nodes: [
        ONNX.Node("NonZero", ["x"], ["n"]), ONNX.Node("Concat", ["past", "n"], ["present"], [("axis", .int(1))]),
        ONNX.Node("Shape", ["present"], ["y"]),
      ], inputs: [("past", .named(.int64, ["1", "P"])), ("x", .named(.float32, ["N"]))], outputs: ["present", "y"])
    let session = try session(try load(ONNX.model(graph, opset: 17)), level: level)
    let state = try State(session)
    #expect(state.isAppended == [true])
    var plain = PlainCaches(session, values: ["past": .tensor(try Tensor([Int64](), try Shape([1, 0])))])
    for seed in 0..<20 {
      let x = (0..<30).map { ($0 * 7 + seed * seed) % 5 < seed % 6 ? Float(1) : 0 }
      try check(&plain, state, ["x": .tensor(try floats(x, [30]))])
    }
  }

  @Test(arguments: [
    ("past_key_values.3.value", "present.3.value"), ("past_key_values.0.decoder.key", "present.0.decoder.key"),
    ("past.1.self.key", "present.1.key"), ("past_key_0", "present_key_0"), ("past_0", "present_0"), ("h", "hn"), ("h0", "hn"), ("h_0", "h_n"),
    ("state", "stateN"), ("state", "state_out"), ("c_in", "c_out"), ("cache_in", "cache_out"), ("hidden", "new_hidden"),
    ("prev_state", "next_state"),
  ]) func namesTellPairs(_ input: String, _ output: String) throws {
    let graph = ONNX.Graph(
      nodes: [ONNX.Node("Add", [input, "x"], ["y"]), ONNX.Node("Neg", ["y"], [output])],
      inputs: [("x", .named(.float32, ["2"])), (input, .named(.float32, ["2"]))], outputs: ["y", output])
    let model = try load(ONNX.model(graph, opset: 17))
    #expect(model.recognisedPairs == [StatePair(input: input, output: output)])
  }

  @Test func otherNamesTellNothing() throws {
    for (input, output) in [("a", "b"), ("past_key", "logits"), ("encoder_hidden_states", "present.0.key")] {
      let graph = ONNX.Graph(
        nodes: [ONNX.Node("Neg", [input], [output])], inputs: [(input, .named(.float32, ["2"]))], outputs: [output])
      #expect(try load(ONNX.model(graph, opset: 17)).recognisedPairs.isEmpty)
    }
  }
}
