import Pinion
import Testing

@Suite struct GraphDraftTests {
  private let open = ValueType.tensor(.float32, dims: [.symbol("batch"), .known(3)])

  private func type(_ draft: GraphDraft, _ value: GraphDraft.Value?) throws -> String {
    let value = try #require(value)
    return "\(try #require(try draft.info(value).type))"
  }

  // MARK: Types as the graph grows

  @Test func typesFollowFromNodes() throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", open), w = try draft.addConstant(try floats([Float](repeating: 1, count: 15), [3, 5]))
    let product = try draft.add("MatMul", inputs: [x, w])[0]
    #expect(try type(draft, product) == "float32[batch,5]")
    let turned = try draft.add("Transpose", inputs: [product])[0]
    #expect(try type(draft, turned) == "float32[5,batch]")
    #expect(try type(draft, try draft.add("Shape", inputs: [turned])[0]) == "int64[2]")
    #expect(try type(draft, try draft.add("ReduceSum", inputs: [turned], attributes: ["keepdims": .int(0)])[0]) == "float32[]")
    #expect(try type(draft, try draft.add("Cast", inputs: [turned], attributes: ["to": .int(7)])[0]) == "int64[5,batch]")
    // What a shape is made of is known where its elements are.
    let shape = try draft.addConstant(try Tensor(vector: [Int64(-1), 1]))
    #expect(try type(draft, try draft.add("Reshape", inputs: [product, shape])[0]) == "float32[?,1]")
    let two = try draft.add("TopK", inputs: [product, try draft.addConstant(try Tensor(vector: [Int64(2)]))], outputNames: [nil, "places"])
    #expect(try type(draft, two[0]) == "float32[batch,2]")
    #expect(try draft.info(try #require(two[1])).name == "places")
    #expect(try type(draft, two[1]) == "int64[batch,2]")
    // An extent that depends on values.
    #expect(try type(draft, try draft.add("NonZero", inputs: [product])[0]) == "int64[2,?]")
  }

  @Test func sequencesAndOptionals() throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", open)
    let list = try draft.add("SequenceConstruct", inputs: [x, x])[0]
    #expect(try type(draft, list).hasPrefix("seq(float32["))
    #expect(try type(draft, try draft.add("SequenceLength", inputs: [list])[0]) == "int64[]")
    let first = try draft.add("SequenceAt", inputs: [list, try draft.addConstant(try Tensor(scalar: Int64(0)))])[0]
    #expect(try type(draft, first).hasPrefix("float32["))
    let optional = try draft.add("Optional", inputs: [x])[0]
    #expect(try type(draft, optional).hasPrefix("optional(float32["))
    expectError(.invalidShape, "expected a tensor") { try draft.add("Relu", inputs: [list]) }
    expectError(.invalidShape, "expected a sequence") { try draft.add("SequenceLength", inputs: [x]) }
  }

  @Test func branchesHaveWhatBothHave() throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", open), condition = try draft.addInput("c", .tensor(.bool, dims: []))
    func branch(_ op: String, rows: Bool) throws -> GraphDraft {
      let inner = try draft.subgraph()
      var value = try #require(try inner.add(op, inputs: [x])[0])
      if !rows { value = try #require(try inner.add("ReduceMax", inputs: [value], attributes: ["keepdims": .int(1)])[0]) }
      try inner.addOutput(value)
      return inner
    }
    let same = try draft.add(
      "If", inputs: [condition], attributes: ["then_branch": .graph(try branch("Relu", rows: true)), "else_branch": .graph(try branch("Neg", rows: true))])
    #expect(try type(draft, same[0]) == "float32[batch,3]")
    let other = try draft.add(
      "If", inputs: [condition], attributes: ["then_branch": .graph(try branch("Relu", rows: true)), "else_branch": .graph(try branch("Neg", rows: false))])
    #expect(try type(draft, other[0]) == "float32[?,?]")
    let integers = try draft.subgraph()
    try integers.addOutput(try #require(try integers.add("Shape", inputs: [x])[0]))
    let floats = try branch("Relu", rows: true)
    expectError(.invalidShape, "output 0 is float32[batch,3] ('Relu_1') of then_branch and int64[2] ('Shape_1') of else_branch") {
      try draft.add("If", inputs: [condition], attributes: ["then_branch": .graph(floats), "else_branch": .graph(integers)])
    }
    try draft.addOutput(try #require(same[0]), name: "y")
    try draft.addOutput(try #require(other[0]), name: "z")
    for level in [0, 2] {
      let given = ["x": try Tensor([Float(-1), 2, -3], try Shape([1, 3])), "c": try Tensor(scalar: false)]
      let results = try run(try Model(draft), given, optimization: level)
      #expect(try numbers(results[0]) == [1, -2, 3])
      #expect(try numbers(results[1]) == [3])
    }
  }

  @Test func scansOverAnAxis() throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", .tensor(.float32, dims: [.known(2), .symbol("t")]))
    let zero = try draft.addConstant(try floats([0, 0], [2]))
    let body = try draft.subgraph()
    let sum = try body.addInput("sum", .tensor(.float32, dims: [.known(2)])), item = try body.addInput("item", .tensor(.float32, dims: [.known(2)]))
    let next = try #require(try body.add("Add", inputs: [sum, item])[0])
    try body.addOutput(next)
    try body.addOutput(next, name: "running")
    let results = try draft.add(
      "Scan", inputs: [zero, x],
      attributes: ["body": .graph(body), "num_scan_inputs": .int(1), "scan_input_axes": .ints([1]), "scan_output_axes": .ints([-1])],
      outputNames: ["last", "all"])
    #expect(try type(draft, results[0]) == "float32[2]")
    #expect(try type(draft, results[1]) == "float32[2,t]")
    for result in results { try draft.addOutput(try #require(result)) }
    let values = try run(try Model(draft), ["x": try floats([1, 2, 3, 10, 20, 30], [2, 3])])
    #expect(try numbers(values[0]) == [6, 60])
    #expect(try numbers(values[1]) == [1, 3, 6, 10, 30, 60])
  }

  @Test func loopsSayWhatTheyCarry() throws {
    let draft = try newDraft()
    let n = try draft.addInput("n", .tensor(.int64, dims: [])), start = try draft.addConstant(try floats([0], [1]))
    func body(_ condition: ElementType, _ carried: ElementType) throws -> GraphDraft {
      let body = try draft.subgraph()
      _ = try body.addInput("i", .tensor(.int64, dims: []))
      try body.addOutput(try body.addInput("c", .tensor(condition, dims: [])))
      try body.addOutput(try body.addInput("v", .tensor(carried, dims: [.known(1)])))
      return body
    }
    expectError(.invalidShape, "the condition, is int64[], expected bool") {
      try draft.add("Loop", inputs: [n, nil, start], attributes: ["body": .graph(try body(.int64, .float32))])
    }
    expectError(.invalidShape, "carried value 0 is float32[1] at first and int64[1]") {
      try draft.add("Loop", inputs: [n, nil, start], attributes: ["body": .graph(try body(.bool, .int64))])
    }
    try draft.add("Loop", inputs: [n, nil, start], attributes: ["body": .graph(try body(.bool, .float32))])
  }

  // MARK: Outputs

  /// A node lists the outputs that its operator has in any case; one that is not wanted has the empty name.
  @Test func outputsAreAsManyAsTheOperatorHas() throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", .tensor(.float32, dims: [.known(4)])), k = try draft.addConstant(try Tensor(vector: [Int64(2)]))
    expectError(.invalidModel, "1 outputs, the operator at least 2: 'Values', 'Indices'") { try draft.node("TopK", x, k) }
    expectError(.invalidModel, "3 outputs, the operator 2") { try draft.add("TopK", inputs: [x, k], outputNames: [nil, nil, nil]) }
    expectError(.invalidModel, "0 outputs, the operator at least 1: 'outputs'") { try draft.add("Split", inputs: [x], outputNames: []) }
    let indices = try draft.add("TopK", inputs: [x, k], outputNames: ["", "places"])
    #expect(indices.count == 2 && indices[0] == nil)
    try draft.addOutput(try #require(indices[1]))
    for model in [try Model(draft), try written(try Model(draft))] {
      let found = try run(model, ["x": try floats([1, 7, 3, 5], [4])])
      #expect(try found[0].asTensor().integers() == [1, 3])
    }
  }

  @Test func namesHaveNoNUL() throws {
    let draft = try newDraft()
    expectError(.invalidArgument, "'a\\0b': the name has a NUL in it") { _ = try draft.addInput("a\0b", .tensor(.float32, dims: [])) }
    let x = try draft.addInput("x", .tensor(.float32, dims: []))
    expectError(.invalidArgument, "NUL") { try draft.add("Relu", inputs: [x], outputNames: ["y\0"]) }
    expectError(.invalidArgument, "NUL") { try draft.addOutput(x, name: "\0") }
  }

  // MARK: Open extents

  /// Refused where no extents fit, taken where some do.
  @Test(arguments: [
    ("Add", "float32[a,3]", "float32[b,4]", false), ("Add", "float32[a,3]", "float32[4,b]", true), ("Add", "float32[?]", "float32[7]", true),
    ("Add", "float32[a,a]", "float32[4,5]", true), ("Add", "float32[a,?]", "float32[4,5]", true), ("MatMul", "float32[a,3]", "float32[4,b]", false),
    ("MatMul", "float32[a,b]", "float32[4,b]", true), ("MatMul", "float32[...]", "float32[4,5]", true), ("MatMul", "float32[a,4]", "float32[]", false),
    ("Gemm", "float32[a,3,?]", "float32[3,4]", false), ("Gemm", "float32[a,3]", "float32[3,4]", true), ("Concat", "float32[a,3]", "float32[a,?]", true),
    ("Concat", "float32[a,3]", "float32[b,?,1]", false), ("Conv", "float32[n,3,h,w]", "float32[8,4,3,3]", false),
    ("Conv", "float32[n,3,h,w]", "float32[8,3,3,3]", true), ("Conv", "float32[n,c,h,w]", "float32[8,64,3,3]", true),
    ("Conv", "float32[n,3,h]", "float32[8,3,3,3]", false), ("PRelu", "float32[n,3]", "float32[4]", false), ("Pow", "float32[n,1]", "float32[4]", true),
  ]) func openExtentsAreTried(_ op: String, _ a: String, _ b: String, _ fits: Bool) throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", try ValueType(parsing: a)), y = try draft.addInput("y", try ValueType(parsing: b))
    let attributes: [String: GraphDraft.Attribute] = op == "Concat" ? ["axis": .int(0)] : [:]
    if fits {
      try draft.add(op, inputs: [x, y], attributes: attributes)
    } else {
      expectError(.invalidShape, op) { try draft.add(op, inputs: [x, y], attributes: attributes) }
    }
  }

  /// What has nothing to do with open extents is said as the operator says it.
  @Test func anAxisThatIsNoneIsNamed() throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", try ValueType(parsing: "float32[n,3]"))
    expectError(.invalidShape, "axis 5") { try draft.add("Softmax", inputs: [x], attributes: ["axis": .int(5)]) }
  }

  @Test func namesThatAreNearlyRightAreSaid() throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", try ValueType(parsing: "float32[n,3]"))
    expectError(.unsupported, "there is MatMul in the domain ai.onnx") { try draft.add("Matmul", inputs: [x, x]) }
    expectError(.unsupported, "there is FusedMatMul in the domain com.microsoft") { try draft.add("FusedMatMul", inputs: [x, x]) }
    expectError(.unsupported, "the operator is not known") { try draft.add("Foo", inputs: [x]) }
  }

  /// 6 channels are 2 groups of 3; recurrent layers have sizes that an attribute gives.
  @Test func openChannelsOfGroups() throws {
    func conv(_ x: String, _ w: String) throws {
      let draft = try newDraft()
      let a = try draft.addInput("x", try ValueType(parsing: x)), b = try draft.addInput("w", try ValueType(parsing: w))
      try draft.add("Conv", inputs: [a, b], attributes: ["group": .int(2)])
    }
    try conv("float32[2,c,5,5]", "float32[4,3,2,2]")
    try conv("float32[2,6,5,5]", "float32[o,i,2,2]")
    try conv("float32[?,?,?,?]", "float32[?,?,?,?]")
    expectError(.invalidShape, "whatever their open extents") { try conv("float32[n,8,5,5]", "float32[4,3,2,2]") }
    let draft = try newDraft()
    let x = try draft.addInput("x", try ValueType(parsing: "float32[5,2,3]")), w = try draft.addInput("w", try ValueType(parsing: "float32[1,16,3]"))
    let r = try draft.addInput("r", try ValueType(parsing: "float32[1,16,h]"))
    try draft.add("LSTM", inputs: [x, w, r], attributes: ["hidden_size": .int(4)])
  }

  // MARK: Scopes

  @Test func valuesAreGoodInGraphsInside() throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", open), branch = try draft.subgraph(), inner = try branch.subgraph()
    let one = try draft.addConstant(try floats([1], [1]), name: "one")
    let y = try #require(try inner.add("Add", inputs: [x, one])[0])
    #expect(try type(inner, y) == "float32[batch,3]")
    expectError(.invalidArgument, "none of this graph") { try draft.add("Relu", inputs: [y]) }
    expectError(.invalidArgument, "none of this graph") { try branch.add("Relu", inputs: [y]) }
    expectError(.invalidArgument, "has that name already") { _ = try inner.addInput("x", open) }
    // A name is free in a graph beside.
    _ = try inner.addInput("z", open)
    _ = try branch.subgraph().addInput("z", open)
    expectError(.invalidArgument, "outermost") { _ = try ImportedModel(inner) }
    var depth = draft
    expectError(.invalidArgument, "deep") { for _ in 0..<100 { depth = try depth.subgraph() } }
  }

  /// A failing call leaves nothing behind, also where the operator's older form would have made nodes of its own.
  @Test func failingCallsChangeNothing() throws {
    let draft = try newDraft(opset: 6)
    let x = try draft.addInput("x", .tensor(.float32, dims: [.known(2), .known(3)])), y = try draft.addInput("y", .tensor(.int64, dims: [.known(2)]))
    let text = draft.text
    expectError(.invalidShape, "int64") {
      try draft.add("Add", inputs: [x, y], attributes: ["axis": .int(0), "broadcast": .int(1)], outputNames: ["sum"])
    }
    #expect(draft.text == text)
    let z = try draft.addInput("z", .tensor(.float32, dims: [.known(2)]))
    let sum = try draft.add("Add", inputs: [x, z], attributes: ["axis": .int(0), "broadcast": .int(1)], outputNames: ["sum"])
    #expect(try type(draft, sum[0]) == "float32[2,3]")
    try draft.addOutput(try #require(sum[0]))
    let result = try run(try Model(draft), [
      "x": try floats([1, 2, 3, 4, 5, 6], [2, 3]), "y": try Tensor(vector: [Int64(0), 0]), "z": try floats([10, 20], [2]),
    ])
    #expect(try numbers(result[0]) == [11, 12, 13, 24, 25, 26])
  }

  /// A model has no part in what the graph becomes later.
  @Test func modelsStayAsTheyAre() throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", open)
    try draft.addOutput(try #require(try draft.add("Neg", inputs: [x])[0]), name: "y")
    let first = try Model(draft)
    try draft.addOutput(try #require(try draft.add("Abs", inputs: [x])[0]), name: "z")
    let second = try Model(draft)
    #expect(first.outputs.map(\.name) == ["y"])
    #expect(second.outputs.map(\.name) == ["y", "z"])
    #expect(try numbers(try run(first, ["x": try floats([1, 2, 3], [1, 3])])[0]) == [-1, -2, -3])
  }
}
