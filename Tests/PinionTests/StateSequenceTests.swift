import Pinion
import Testing

/// GroupQueryAttention on a state where sequences end at rows of their own: in caches as long as they can become, in ragged batches, behind
/// padded prompts, and going back. All bits are those of plain caches, those behind the sequences' ends among them.
@Suite struct StateSequenceTests {
  static let pairs = [StatePair(input: "past_key", output: "present_key"), StatePair(input: "past_value", output: "present_value")]

  /// What varies of the model.
  struct Form: Sendable, CustomTestStringConvertible {
    var element = ElementType.float32
    /// The rows of the caches as the model declares them.
    var rows = "P"
    /// Whether the total length is known when the graph is made, or comes with each run.
    var isTotalInput = true
    var level = 2
    var testDescription: String { "\(element) [\(rows)] \(isTotalInput) \(level)" }
  }

  static let forms: [Form] = [ElementType.float32, .float16, .bfloat16].flatMap { element in
    ["P", "24"].flatMap { rows in [0, 2].map { Form(element: element, rows: rows, level: $0) } }
  } + [Form(rows: "P", isTotalInput: false), Form(element: .float16, rows: "24", isTotalInput: false)]

  /// Two heads of queries for one of keys, of size 8, rotated; `bad` fails behind it where it is out of range.
  private func model(_ form: Form) throws -> Model {
    let element = form.element
    var nodes: [ONNX.Node] = []
    if !form.isTotalInput {
      nodes += [ONNX.Node("Shape", ["mask"], ["m"]), ONNX.Node("Cast", ["m"], ["total"], [("to", .int(6))])]
    }
    nodes += [
      ONNX.Node(
        "GroupQueryAttention", ["q", "k", "v", "past_key", "past_value", "lengths", "total", "cos", "sin"], ["y", "present_key", "present_value"],
        [("num_heads", .int(2)), ("kv_num_heads", .int(1)), ("do_rotary", .int(1))], domain: "com.microsoft"),
      ONNX.Node("Gather", ["y", "bad"], ["z"], [("axis", .int(1))]),
    ]
    let cache = ONNX.Kind.named(element, ["B", "1", form.rows, "8"])
    let graph = ONNX.Graph(
      nodes: nodes,
      inputs: [
        ("q", .named(element, ["B", "S", "16"])), ("k", .named(element, ["B", "S", "8"])), ("v", .named(element, ["B", "S", "8"])),
        ("past_key", cache), ("past_value", cache), ("lengths", .named(.int32, ["B"])), ("bad", .named(.int64, ["I"])),
        form.isTotalInput ? ("total", .named(.int32, ["1"])) : ("mask", .named(.uint8, ["M"])),
      ], outputs: ["y", "z", "present_key", "present_value"],
      initializers: [("cos", try noise([24, 4], seed: 1001, element)), ("sin", try noise([24, 4], seed: 1002, element))])
    return try load(ONNX.model(graph, opset: 21))
  }

  private func inputs(_ form: Form, _ lengths: [Int], total: Int, rows: Int, seed: Int, bad: Int64 = 0) throws -> [String: Value] {
    let batch = lengths.count
    var result: [String: Value] = [
      "q": .tensor(try noise([batch, rows, 16], seed: 3 * seed, form.element)), "k": .tensor(try noise([batch, rows, 8], seed: 3 * seed + 1, form.element)),
      "v": .tensor(try noise([batch, rows, 8], seed: 3 * seed + 2, form.element)), "bad": .tensor(try Tensor(vector: [bad])),
      "lengths": .tensor(try Tensor(vector: lengths.map { Int32($0 - 1) })),
    ]
    if form.isTotalInput {
      result["total"] = .tensor(try Tensor(vector: [Int32(total)]))
    } else {
      result["mask"] = .tensor(try Tensor(TensorType(.uint8, try Shape([total]))))
    }
    return result
  }

  private func check(
    _ plain: inout PlainCaches, _ state: State, _ inputs: [String: Value], length: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let expected = try plain.step(inputs), found = try state.session.run(inputs, state: state)
    #expect(try bits(found) == bits(expected), sourceLocation: sourceLocation)
    try compare(plain, state, length: length, sourceLocation: sourceLocation)
  }

  private func compare(_ plain: PlainCaches, _ state: State, length: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    for pair in Self.pairs {
      let cache = try #require(plain.values[pair.input]).asTensor(), held = try state.value(pair.input)
      #expect(held.type == cache.type && bits(held) == bits(cache), "\(pair)", sourceLocation: sourceLocation)
    }
    #expect(state.length == length, sourceLocation: sourceLocation)
  }

  private func begin(_ form: Form, batch: Int) throws -> (PlainCaches, State) {
    let session = try session(try model(form), level: form.level, threads: 2), state = try State(session, pairs: Self.pairs)
    #expect(state.isAppended == [true, true] && state.axes == [2, 2] && state.length == 0)
    let nothing = try Tensor(TensorType(form.element, try Shape([batch, 1, form.rows == "P" ? 0 : 24, 8])))
    nothing.data.initializeMemory(as: UInt8.self, repeating: 0, count: nothing.byteCount)
    return (PlainCaches(session, pairs: Self.pairs, values: ["past_key": .tensor(nothing), "past_value": .tensor(nothing)]), state)
  }

  @Test(arguments: forms) func aSequenceGrows(_ form: Form) throws {
    var (plain, state) = try begin(form, batch: 1)
    let row = 2 * 8 * form.element.byteWidth
    try check(&plain, state, try inputs(form, [4], total: 4, rows: 4, seed: 0), length: 4)
    #expect(state.movedBytes == 4 * row)
    for length in 5...20 {
      try check(&plain, state, try inputs(form, [length], total: length, rows: 1, seed: length), length: length)
      // Only where memory has grown is anything of the past moved; a cache of full length has room from the beginning.
      if form.rows == "24" { #expect(state.movedBytes == row) }
    }
    #expect(form.rows == "P" || state.byteCount == 48 * row)
    // More rows than the model's cache has.
    if form.rows == "24" {
      for total in [25, 30] {
        let more = try inputs(form, [total], total: total, rows: total - 20, seed: 77)
        #expect(code { () throws(PinionError) in _ = try state.session.run(more, state: state) } != nil)
        try compare(plain, state, length: 20)
      }
    }
  }

  /// The prompt is padded on the right, the first sequence goes on behind its end, over rows of the padding.
  @Test(arguments: forms) func sequencesEndWhereTheRunSays(_ form: Form) throws {
    var (plain, state) = try begin(form, batch: 3)
    try check(&plain, state, try inputs(form, [5, 2, 3], total: 5, rows: 5, seed: 0), length: 5)
    var lengths = [5, 2, 3]
    for step in 1...8 {
      lengths = lengths.map { $0 + 1 }
      try check(&plain, state, try inputs(form, lengths, total: 5 + step, rows: 1, seed: step), length: lengths[0])
      // Sequences that have to be refused, and runs that end behind the attention, leave what they have written over.
      let bad = try inputs(form, lengths, total: 5 + step, rows: 1, seed: 100 + step, bad: 99)
      #expect(code { () throws(PinionError) in _ = try state.session.run(bad, state: state) } == .invalidValue)
      try compare(plain, state, length: lengths[0])
      if form.rows == "24" {
        // Several rows over rows in use.
        let over = try inputs(form, [4, 3, 4], total: 24, rows: 3, seed: 200 + step, bad: 99)
        #expect(code { () throws(PinionError) in _ = try state.session.run(over, state: state) } == .invalidValue)
        try compare(plain, state, length: lengths[0])
      }
      let wrong = try inputs(form, [99, 1, 1], total: 5 + step, rows: 1, seed: 0)
      #expect(code { () throws(PinionError) in _ = try state.session.run(wrong, state: state) } == .invalidValue)
      try compare(plain, state, length: lengths[0])
    }
    let fork = try state.fork()
    var other = plain
    try check(&other, fork, try inputs(form, [14, 11, 12], total: 14, rows: 1, seed: 40), length: 14)
    try compare(plain, state, length: 13)
    // All outputs, of which the state takes two.
    let values = try inputs(form, [14, 11, 12], total: 14, rows: 1, seed: 41), names = state.session.model.inputs.map(\.name)
    let all = try state.session.run(names.map { values[$0] }, wanted: [0, 1, 2, 3], state: state)
    let expected = try plain.step(values)
    #expect(try bits(Array(all.prefix(2))) == bits(expected))
    #expect(try bits([all[2], all[3]]) == bits([try #require(plain.values["past_key"]), try #require(plain.values["past_value"])]))
  }

  /// Shorter sequences than before, in a cache that stays as long as it is.
  @Test(arguments: forms) func sequencesGoBack(_ form: Form) throws {
    var (plain, state) = try begin(form, batch: 2)
    // As long as it can become although the model does not say so.
    for name in ["past_key", "past_value"] {
      let whole = try noise([2, 1, 24, 8], seed: name.count, form.element)
      try state.set(name, to: whole)
      plain.values[name] = .tensor(whole)
    }
    #expect(state.length == 24)
    try check(&plain, state, try inputs(form, [7, 4], total: 7, rows: 7, seed: 1), length: 7)
    try check(&plain, state, try inputs(form, [8, 5], total: 8, rows: 1, seed: 2), length: 8)
    try check(&plain, state, try inputs(form, [4, 6], total: 8, rows: 2, seed: 3), length: 6)
    // Rows between the end of before and the new ones are 0.
    try state.truncate(to: 3)
    var cut = plain
    for name in ["past_key", "past_value"] {
      let before = try #require(plain.values[name]).asTensor(), row = 8 * form.element.byteWidth, rows = form.rows == "P" ? 3 : 24
      let cache = try Tensor(TensorType(form.element, try Shape([2, 1, rows, 8])))
      cache.data.initializeMemory(as: UInt8.self, repeating: 0, count: cache.byteCount)
      for entry in 0..<2 { (cache.data + rows * entry * row).copyMemory(from: before.data + 24 * entry * row, byteCount: 3 * row) }
      cut.values[name] = .tensor(cache)
    }
    try compare(cut, state, length: 3)
    // Behind a gap of rows that are 0, where the cache is long enough.
    let next = form.rows == "P" ? 5 : 9
    try check(&cut, state, try inputs(form, [next, 4], total: next, rows: 2, seed: 4), length: next)
    try state.reset()
    #expect(state.length == 0)
    (plain, _) = try begin(form, batch: 3)
    try check(&plain, state, try inputs(form, [3, 3, 3], total: 3, rows: 3, seed: 5), length: 3)
    try check(&plain, state, try inputs(form, [4, 4, 4], total: 4, rows: 1, seed: 6), length: 4)
  }
}
