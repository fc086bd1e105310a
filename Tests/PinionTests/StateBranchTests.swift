import Pinion
import Testing

/// Caches that grow in a branch which an input decides.
@Suite struct StateBranchTests {
  private func flag(_ value: Bool) throws -> Value { .tensor(try Tensor(vector: [value])) }

  /// present = flag ? Concat(past, x) : Concat(x, past), and their sum.
  private func eitherWay() throws -> Model {
    func branch(_ order: [String]) -> ONNX.Graph {
      ONNX.Graph(nodes: [ONNX.Node("Concat", order, ["z"], [("axis", .int(1))])], outputs: ["z"])
    }
    let graph = ONNX.Graph(
      nodes: [
        ONNX.Node("If", ["flag"], ["present"], [("then_branch", .graph(branch(["past", "x"]))), ("else_branch", .graph(branch(["x", "past"])))]),
        ONNX.Node("ReduceSum", ["present"], ["sum"]),
      ], inputs: [("past", .named(.float32, ["2", "P", "3"])), ("x", .named(.float32, ["2", "N", "3"])), ("flag", .named(.bool, ["1"]))],
      outputs: ["present", "sum"])
    return try load(ONNX.model(graph, opset: 17))
  }

  @Test(arguments: 0...2) func appendsInOneBranch(level: Int) throws {
    let session = try session(try eitherWay(), level: level), state = try State(session, capacity: 200)
    #expect(state.isAppended == [true] && state.axes == [1])
    var plain = PlainCaches(session, values: ["past": .tensor(try floats([], [2, 0, 3]))])
    for seed in 0..<40 {
      let inputs = ["x": Value.tensor(try noise([2, 1 + seed % 2, 3], seed: seed)), "flag": try flag(seed % 3 != 1)]
      let expected = try plain.step(inputs), found = try session.run(inputs, state: state)
      #expect(try bits(found) == bits(expected), "run \(seed)")
      let value = try #require(plain.values["past"]).asTensor()
      #expect(try state.value("past").type == value.type && bits(try state.value("past")) == bits(value), "run \(seed)")
    }
    // A new row is written where the branch appends and there is room, and what the sum reads is a copy.
    let rows = try #require(state.length)
    _ = try session.run(["x": .tensor(try noise([2, 1, 3], seed: 1)), "flag": try flag(true)], state: state)
    _ = try session.run(["x": .tensor(try noise([2, 1, 3], seed: 2)), "flag": try flag(true)], state: state)
    #expect(state.length == rows + 2 && state.movedBytes == 24 * (1 + rows + 2), "\(state.movedBytes) bytes, \(rows) rows")
  }

  /// A truth value that is none, or is not given, is what it is without a state.
  @Test func refusesWhatIsNoTruthValue() throws {
    let session = try session(try eitherWay(), level: 2), state = try State(session)
    let x = Value.tensor(try noise([2, 1, 3], seed: 0))
    let wrong = try #require(throws: PinionError.self) {
      try session.run(["x": x, "flag": .tensor(try Tensor(vector: [1] as [Int64]))], state: state)
    }
    #expect(wrong.message.contains("'flag'") && wrong.message.contains("bool"))
    let missing = try #require(throws: PinionError.self) { try session.run(["x": x], state: state) }
    #expect(missing.message.contains("'flag'"))
    #expect(state.length == 0)
    _ = try session.run(["x": x, "flag": try flag(true)], state: state)
    #expect(state.length == 1)
  }

  /// An encoder-decoder's step as exporters merge it: without a past it makes the encoder's keys and gives them out; with one it reads those that
  /// are passed in, and gives a constant without elements for them.
  private func merged(_ condition: [ONNX.Node], _ name: String) throws -> Model {
    func attend(_ keys: String, _ encoder: String) -> [ONNX.Node] {
      [
        ONNX.Node("Transpose", [keys], [keys + "t"], [("perm", .ints([0, 1, 3, 2]))]), ONNX.Node("MatMul", ["q", keys + "t"], ["m"]),
        ONNX.Node("Softmax", ["m"], ["p"], [("axis", .int(-1))]), ONNX.Node("MatMul", ["p", keys], ["a"]),
        ONNX.Node("Transpose", [encoder], ["et"], [("perm", .ints([0, 1, 3, 2]))]), ONNX.Node("MatMul", ["a", "et"], ["n"]),
        ONNX.Node("Softmax", ["n"], ["o"], [("axis", .int(-1))]), ONNX.Node("MatMul", ["o", encoder], ["y"]),
      ]
    }
    let past = "past_key_values.0.decoder.key", encoder = "past_key_values.0.encoder.key"
    let with = ONNX.Graph(
      nodes: [ONNX.Node("Concat", [past, "k"], ["all"], [("axis", .int(2))])] + attend("all", encoder), outputs: ["y", "all", "nothing"],
      initializers: [("nothing", try floats([], [0, 2, 1, 4]))])
    let without = ONNX.Graph(
      nodes: [ONNX.Node("Identity", ["k"], ["all"]), ONNX.Node("Tanh", ["e"], ["made"])] + attend("all", "made"), outputs: ["y", "all", "made"])
    let outputs = ["y", "present.0.decoder.key", "present.0.encoder.key"]
    let graph = ONNX.Graph(
      nodes: condition + [ONNX.Node("If", [name], outputs, [("then_branch", .graph(with)), ("else_branch", .graph(without))])],
      inputs: [
        ("q", .named(.float32, ["B", "2", "S", "4"])), ("k", .named(.float32, ["B", "2", "S", "4"])), ("e", .named(.float32, ["B", "2", "E", "4"])),
        (past, .named(.float32, ["B", "2", "P", "4"])), (encoder, .named(.float32, ["B", "2", "E2", "4"])), ("use_cache_branch", .named(.bool, ["1"])),
      ], outputs: outputs,
      outputTypes: [
        outputs[1]: .named(.float32, ["B", "2", "T", "4"]), outputs[2]: .named(.float32, ["B", "2", "E2", "4"]),
      ])
    return try load(ONNX.model(graph, opset: 17))
  }

  @Test(arguments: 0...2, [false, true]) func mergedDecoders(level: Int, isTurned: Bool) throws {
    let condition = isTurned
      ? [
        ONNX.Node("Not", ["use_cache_branch"], ["first"]), ONNX.Node("Not", ["first"], ["c1"]), ONNX.Node("Identity", ["c1"], ["c"]),
      ] : []
    let model = try merged(condition, isTurned ? "c" : "use_cache_branch"), session = try session(model, level: level)
    let state = try State(session)
    #expect(state.pairs.map(\.input) == ["past_key_values.0.decoder.key", "past_key_values.0.encoder.key"])
    #expect(state.isAppended == [true, false])
    var plain = PlainCaches(
      session,
      values: [
        "past_key_values.0.decoder.key": .tensor(try floats([], [2, 2, 0, 4])), "past_key_values.0.encoder.key": .tensor(try floats([], [2, 2, 0, 4])),
      ])
    for round in 0..<2 {
      for step in 0..<30 {
        let rows = step == 0 ? 5 : 1
        let inputs = [
          "q": Value.tensor(try noise([2, 2, rows, 4], seed: 3 * step + round)), "k": .tensor(try noise([2, 2, rows, 4], seed: 3 * step + 1)),
          "e": .tensor(try noise([2, 2, 7, 4], seed: 1000 + round)), "use_cache_branch": try flag(step > 0),
        ]
        let encoder = plain.values["past_key_values.0.encoder.key"]
        let expected = try plain.step(inputs), found = try session.run(inputs, state: state)
        // Whoever decodes keeps the encoder's keys, which later steps do not make.
        if step > 0 { plain.values["past_key_values.0.encoder.key"] = encoder }
        #expect(try bits(found) == bits(expected), "step \(step)")
        for pair in state.pairs {
          let value = try #require(plain.values[pair.input]).asTensor(), held = try state.value(pair.input)
          #expect(held.type == value.type && bits(held) == bits(value), "step \(step), \(pair.input)")
        }
        if step > 20 { #expect(state.movedBytes == 2 * 2 * 4 * 4 || state.movedBytes > 20 * 64) }
      }
      #expect(state.length == 34)
      // What the encoder gave does not come back by going back.
      #expect(throws: PinionError.self) { try state.truncate(to: 3) }
      let fork = try state.fork()
      #expect(fork.length == 34)
      try state.reset()
    }
  }

  /// Two truth values: each choice of both is a program of its own.
  @Test(arguments: 0...2) func severalTruthValues(level: Int) throws {
    func branch(_ nodes: [ONNX.Node]) -> ONNX.Graph { ONNX.Graph(nodes: nodes, outputs: ["z"]) }
    let graph = ONNX.Graph(
      nodes: [
        ONNX.Node(
          "If", ["a"], ["new"],
          [("then_branch", .graph(branch([ONNX.Node("Neg", ["x"], ["z"])]))), ("else_branch", .graph(branch([ONNX.Node("Abs", ["x"], ["z"])])))]),
        ONNX.Node("And", ["a", "b"], ["both"]),
        ONNX.Node(
          "If", ["both"], ["present"],
          [
            ("then_branch", .graph(branch([ONNX.Node("Concat", ["past", "new"], ["z"], [("axis", .int(0))])]))),
            ("else_branch", .graph(branch([ONNX.Node("Identity", ["new"], ["z"])]))),
          ]),
      ],
      inputs: [
        ("past", .named(.float32, ["P", "3"])), ("x", .named(.float32, ["N", "3"])), ("a", .named(.bool, [])), ("b", .named(.bool, ["1"])),
      ], outputs: ["present"])
    let session = try session(try load(ONNX.model(graph, opset: 17)), level: level), state = try State(session)
    #expect(state.isAppended == [true])
    var plain = PlainCaches(session, values: ["past": .tensor(try floats([], [0, 3]))])
    for seed in 0..<48 {
      let a = seed % 7 != 3, b = seed % 5 != 4
      let inputs = ["x": Value.tensor(try noise([1 + seed % 3, 3], seed: seed)), "a": .tensor(try Tensor(scalar: a)), "b": try flag(b)]
      _ = try plain.step(inputs)
      _ = try session.run(inputs, state: state)
      let value = try #require(plain.values["past"]).asTensor(), held = try state.value("past")
      #expect(held.type == value.type && bits(held) == bits(value), "run \(seed)")
    }
  }
}
