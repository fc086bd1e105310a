import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionRuntime
import PinionTensor
import Testing

@Suite struct LoopTests {
  /// sum += iteration; the scan output is the sum; goes on while the sum is below `limit`.
  private func summing(below limit: Int64) throws -> Graph {
    var body = Body()
    let iteration = body.input("iteration")
    _ = body.input("condition")
    let sum = body.input("sum")
    let next = try body.add("Add", [sum, iteration])
    let goesOn = try body.add("Less", [next, body.constant(try Tensor(scalar: limit))])
    let scan = try body.add("Identity", [next])
    return body.returning([goesOn, next, scan], types: [nil, nil, .tensor(.int64, dims: [.known(1), .symbol("n")])])
  }

  private func run(_ body: Graph, _ inputs: [Value?], outputs: Int) throws -> [Tensor] {
    try evaluate("Loop", attributes: ["body": .graph(0)], inputs, outputCount: outputs, subgraphs: [body]).map { try $0.asTensor() }
  }

  @Test func runsAsOftenAsTheTripCountSays() throws {
    let results = try run(try summing(below: 1000), [value([Int64(4)], []), nil, value([Int64(10)], [1])], outputs: 2)
    try expect(results[0], [Int64(16)], [1])
    try expect(results[1], [Int64(10), 11, 13, 16], [4, 1])
  }

  @Test func stopsWhereTheConditionFails() throws {
    let results = try run(try summing(below: 13), [nil, value([true], []), value([Int64(10)], [1])], outputs: 2)
    try expect(results[0], [Int64(13)], [1])
    try expect(results[1], [Int64(10), 11, 13], [3, 1])
  }

  /// The scan output is declared with one more open extent than it has: what follows from the inputs' types holds.
  @Test func noIterationGivesEmptyScanOutputsOfTheInferredType() throws {
    for inputs in [[try value([Int64(0)], []), nil], [try value([Int64(5)], []), try value([false], [])]] {
      let results = try run(try summing(below: 9), inputs + [try value([Int64(7), 7, 7], [3])], outputs: 2)
      try expect(results[0], [Int64(7), 7, 7], [3])
      try expect(results[1], [Int64](), [0, 3])
    }
  }

  /// NonZero's second extent depends on values; the declaration says [1, n], and an open extent counts as 0.
  @Test func noIterationGivesEmptyScanOutputsOfTheDeclaredTypeWhereNoneCanBeInferred() throws {
    var body = Body()
    _ = body.input("iteration")
    let condition = body.input("condition")
    let x = body.input("x")
    let positions = try body.add("NonZero", [x])
    let graph = body.returning([condition, x, positions], types: [nil, nil, .tensor(.int64, dims: [.known(1), .symbol("n")])])
    let results = try run(graph, [try value([Int64(0)], []), nil, try value([Int64(7), 0], [2])], outputs: 2)
    try expect(results[1], [Int64](), [0, 1, 0])
  }

  /// Nothing is declared: the types follow through sequences; how many elements one has is open, and counts as 0.
  @Test func noIterationInfersWhatSequencesGive() throws {
    var body = Body()
    let iteration = body.input("iteration"), condition = body.input("condition"), x = body.input("x")
    let sequence = try body.add("SequenceConstruct", [x, x])
    let longer = try body.add("SequenceInsert", [sequence, x])
    let element = try body.add("SequenceAt", [try body.add("SequenceErase", [longer]), iteration])
    let length = try body.add("SequenceLength", [longer])
    let joined = try body.add("ConcatFromSequence", [longer], attributes: ["axis": .int(0)])
    let slice = try body.add("SequenceAt", [try body.add("SplitToSequence", [x], attributes: ["axis": .int(1), "keepdims": .int(0)]), iteration])
    let graph = body.returning([condition, x, element, length, joined, slice])
    let results = try run(graph, [try value([Int64(0)], []), nil, try value([1, 2, 3, 4, 5, 6] as [Float], [2, 3])], outputs: 5)
    try expect(results[1], [Float](), [0, 2, 3])
    try expect(results[2], [Int64](), [0])
    try expect(results[3], [Float](), [0, 0, 3])
    try expect(results[4], [Float](), [0, 2])
  }

  @Test func noIterationInfersWhatTextsGive() throws {
    var body = Body()
    _ = body.input("iteration")
    let condition = body.input("condition"), x = body.input("x")
    let fits = try body.add("RegexFullMatch", [x], attributes: ["pattern": .string("a+")])
    let joined = try body.add("StringConcat", [x, x])
    let numbers = try body.add("Cast", [x], attributes: ["to": .int(1)])
    let graph = body.returning([condition, x, fits, joined, numbers])
    let texts = Value.tensor(try Tensor(utf8: [Array("a".utf8), Array("b".utf8)], try Shape([2])))
    let results = try run(graph, [try value([Int64(0)], []), nil, texts], outputs: 4)
    try expect(results[1], [Bool](), [0, 2])
    #expect(results[2].element == .string && results[2].shape.dims == [0, 2])
    try expect(results[3], [Float](), [0, 2])
  }

  @Test func noIterationInfersWhatFlexAttentionGives() throws {
    var body = Body()
    _ = body.input("iteration")
    let condition = body.input("condition"), q = body.input("q")
    let v = body.constant(try tensor([Float](repeating: 1, count: 15), [1, 1, 3, 5]))
    let k = body.constant(try tensor([Float](repeating: 1, count: 12), [1, 1, 3, 4]))
    let y = body.graph.addValue("")
    body.graph.nodes.append(try OperatorCatalog().node("FlexAttention", domain: "ai.onnx.preview", inputs: [q, k, v], outputs: [y]))
    let results = try run(
      body.returning([condition, q, y]), [try value([Int64(0)], []), nil, try value([Float](repeating: 1, count: 8), [1, 1, 2, 4])], outputs: 2)
    try expect(results[1], [Float](), [0, 1, 1, 2, 5])
  }

  @Test func manyIterationsOutgrowTheFirstBuffer() throws {
    let count: Int64 = 20_000
    let results = try run(try summing(below: .max), [value([count], []), nil, value([Int64(0)], [1])], outputs: 2)
    let scan = try elements(results[1], as: Int64.self)
    #expect(scan.count == Int(count))
    for index in [0, 1, 8191, 8192, 19_999] { #expect(scan[index] == Int64(index) * Int64(index + 1) / 2) }
  }

  @Test func carriesSequences() throws {
    var body = Body()
    let iteration = body.input("iteration")
    let condition = body.input("condition")
    let sequence = body.input("sequence")
    let longer = try body.add("SequenceInsert", [sequence, iteration])
    let results = try evaluate(
      "Loop", attributes: ["body": .graph(0)],
      [try value([Int64(3)], []), nil, .sequence([], element: .tensor(.int64, dims: nil))],
      subgraphs: [body.returning([try body.add("Identity", [condition]), longer])])
    let elements = try results[0].asSequence()
    #expect(try elements.map { try $0.asTensor().integers()[0] } == [0, 1, 2])
  }

  @Test func anEndlessLoopEndsAtTheRunsLimits() throws {
    var body = Body()
    _ = body.input("iteration")
    let condition = body.input("condition")
    var graph = Graph()
    graph.nodes = [
      try OperatorCatalog().node(
        "Loop", attributes: ["body": .graph(0)], inputs: [nil, nil], outputs: [], subgraphs: [body.returning([condition])])
    ]
    let program = Program(
      graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights())
    var limits = RunLimits()
    limits.steps = 100
    #expect(throws: PinionError.self) { try program.run([], control: RunControl(limits)) }
    limits.steps = nil
    limits.deadline = monotonicNanoseconds() + 20_000_000
    #expect(throws: PinionError.self) { try program.run([], control: RunControl(limits)) }
  }

  @Test func aScanOutputMayNotChangeItsShape() throws {
    var body = Body()
    let iteration = body.input("iteration")
    let condition = body.input("condition")
    let vector = body.input("vector")
    let longer = try body.add("Concat", [vector, vector], attributes: ["axis": .int(0)])
    _ = iteration
    let graph = body.returning([try body.add("Identity", [condition]), longer, try body.add("Identity", [longer])])
    #expect(throws: PinionError.self) { try run(graph, [value([Int64(2)], []), nil, value([Int64(1)], [1])], outputs: 2) }
  }
}
