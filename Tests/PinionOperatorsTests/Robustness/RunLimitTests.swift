import Foundation
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionRuntime
import PinionTensor
import Testing

/// Operators whose outputs or tables are as large as an input says ask the run's budget before they take memory.
@Suite(.timeLimit(.minutes(2))) struct RunLimitTests {
  private func run(
    _ name: String, domain: String = "", attributes: [String: AttributeValue] = [:], _ inputs: [Value], outputs: Int = 1, constants: Set<Int> = [],
    limits: RunLimits
  ) throws -> [Value] {
    var graph = Graph()
    var operands: [ValueID?] = []
    var fed: [Value] = []
    for (index, input) in inputs.enumerated() {
      if constants.contains(index), case .tensor(let tensor) = input {
        operands.append(graph.addConstant(tensor))
      } else {
        let value = graph.addValue("x\(index)")
        graph.inputs.append(value)
        operands.append(value)
        fed.append(input)
      }
    }
    graph.outputs = (0..<outputs).map { graph.addValue("y\($0)") }
    graph.nodes = [
      try OperatorCatalog().node(name, domain: domain, name: "n", attributes: attributes, inputs: operands, outputs: graph.outputs)
    ]
    let program = Program(
      graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights())
    return try program.run(fed, control: RunControl(limits))
  }

  private func expectOverBudget(
    _ name: String, domain: String = "", attributes: [String: AttributeValue] = [:], _ inputs: [Value], bytes: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var limits = RunLimits()
    limits.bytes = bytes
    for constants in [Set<Int>(), Set(inputs.indices.dropFirst())] {
      do {
        _ = try run(name, domain: domain, attributes: attributes, inputs, constants: constants, limits: limits)
        Issue.record("\(name) ran within \(bytes) bytes", sourceLocation: sourceLocation)
      } catch { #expect((error as? PinionError)?.code == .budgetExceeded, "\(error)", sourceLocation: sourceLocation) }
    }
  }

  private func scattered(_ count: Int) -> [Float] {
    var numbers: [Float] = []
    for index in 0..<count { numbers.append(Float(index * 7919 % 10007)) }
    return numbers
  }

  private func integers(_ numbers: [Int64]) throws -> Value { .tensor(try tensor(numbers, [numbers.count])) }

  @Test func shapesThatAreFed() throws {
    let x = Value.tensor(try tensor([1, 2, 3, 4, 5, 6] as [Float], [2, 3]))
    let huge: Int64 = 1 << 40
    try expectOverBudget("Expand", [x, try integers([huge, 2, 3])], bytes: 512 << 20)
    try expectOverBudget("Tile", [x, try integers([huge, 1])], bytes: 512 << 20)
    try expectOverBudget("CenterCropPad", [x, try integers([huge, 3])], bytes: 512 << 20)
    for mode in ["constant", "edge"] {
      try expectOverBudget("Pad", attributes: ["mode": .string(mode)], [x, try integers([1 << 30, 0, 0, 0])], bytes: 512 << 20)
    }
    try expectOverBudget("ConstantOfShape", [try integers([huge])], bytes: 512 << 20)
  }

  @Test func strings() throws {
    let words = Value.tensor(try Tensor(strings: (0..<20_000).map { "word number \($0)" }, .vector(20_000)))
    try expectOverBudget("StringConcat", [words, words], bytes: 600_000)
    try expectOverBudget("StringSplit", [words], bytes: 600_000)
    try expectOverBudget("StringNormalizer", attributes: ["case_change_action": .string("UPPER")], [words], bytes: 600_000)
    try expectOverBudget(
      "Tokenizer", domain: "com.microsoft",
      attributes: ["mark": .int(0), "pad_value": .string(""), "mincharnum": .int(1), "separators": .strings([" "])], [words], bytes: 600_000)
    let numbers = Value.tensor(try tensor((0..<20_000).map { Float($0) + 0.5 }, [20_000]))
    try expectOverBudget("Cast", attributes: ["to": .int(8)], [numbers], bytes: 300_000)
    try expectOverBudget("Unique", [words], bytes: 600_000)
  }

  @Test func tablesOfPositions() throws {
    let numbers = Value.tensor(try tensor((0..<50_000).map { Float($0 + 1) }, [50_000]))
    try expectOverBudget("Unique", [numbers], bytes: 500_000)
    try expectOverBudget("NonZero", [numbers], bytes: 300_000)
    try expectOverBudget("SplitToSequence", [numbers], bytes: 3_000_000)
    try expectOverBudget("DFT", [.tensor(try tensor([Float](repeating: 1, count: 49_999), [1, 49_999, 1]))], bytes: 1_000_000)
  }

  /// Twice the bytes in each step: within the budget, whatever the last one would need.
  @Test func concatenationsThatDouble() throws {
    var graph = Graph()
    var value = graph.addValue("x")
    graph.inputs = [value]
    for index in 0..<40 {
      let next = graph.addValue("v\(index)")
      graph.nodes.append(try OperatorCatalog().node("StringConcat", name: "n\(index)", inputs: [value, value], outputs: [next]))
      value = next
    }
    graph.outputs = [value]
    let program = Program(
      graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights())
    var limits = RunLimits()
    limits.bytes = 8 << 20
    let control = RunControl(limits)
    do {
      _ = try program.run([.tensor(try Tensor(strings: ["ab"], .vector(1)))], control: control)
      Issue.record("2^40 bytes within 8 MiB")
    } catch { #expect((error as? PinionError)?.code == .budgetExceeded, "\(error)") }
    #expect(control.peakBytes <= 8 << 20)
  }

  /// Inputs that decide extents are no longer than a tensor may have axes, and what an error quotes of them is short.
  @Test func listsOfAMillionExtents() throws {
    let x = Value.tensor(try tensor([1, 2] as [Float], [2]))
    let million = try integers([Int64](repeating: 1, count: 1_000_000))
    for (name, inputs) in [
      ("Expand", [x, million]), ("Reshape", [x, million]), ("Tile", [x, million]), ("Unsqueeze", [x, million]), ("ReduceSum", [x, million]),
      ("TopK", [x, million]), ("Slice", [x, million, million]),
    ] {
      do {
        _ = try run(name, inputs, limits: RunLimits())
        Issue.record("\(name) ran")
      } catch {
        #expect((error as? PinionError)?.code == .invalidShape, "\(error)")
        #expect("\(error)".utf8.count < 2000, "\(name) quotes \("\(error)".utf8.count) bytes")
      }
    }
  }

  /// A token that is set by another thread a moment after the run has begun ends it soon.
  @Test(arguments: ["Det", "Unique", "NonMaxSuppression", "DFT", "StringNormalizer"])
  func tokensEndLongNodes(name: String) throws {
    var inputs: [Value]
    switch name {
    case "Det": inputs = [.tensor(try tensor(scattered(2_250_000), [1500, 1500]))]
    case "Unique": inputs = [.tensor(try tensor(scattered(1_000_000), [2, 250_000, 2]))]
    case "DFT": inputs = [.tensor(try tensor([Float](repeating: 1, count: 1_000_003), [1, 1_000_003, 1]))]
    case "StringNormalizer": inputs = [.tensor(try Tensor(strings: [String](repeating: "ÀÉÎ ", count: 300_000), .vector(300_000)))]
    default:
      var boxes: [Float] = []
      for number in 0..<60_000 {
        let corner = Float(number)
        boxes += [corner, corner, corner + 0.5, corner + 0.5]
      }
      let scores: [Float] = scattered(60_000)
      inputs = [.tensor(try tensor(boxes, [1, 60_000, 4])), .tensor(try tensor(scores, [1, 1, 60_000])), try integers([60_000])]
    }
    let attributes: [String: AttributeValue] =
      name == "Unique" ? ["axis": .int(1)] : name == "StringNormalizer" ? ["case_change_action": .string("LOWER")] : [:]
    var limits = RunLimits()
    limits.deadline = monotonicNanoseconds() + 5_000_000
    let start = monotonicNanoseconds()
    do {
      _ = try run(name, attributes: attributes, inputs, limits: limits)
      Issue.record("\(name) took less than 5 ms")
    } catch { #expect((error as? PinionError)?.code == .deadlineExceeded, "\(error)") }
    // Far above what is promised, so that a busy machine does not matter, and far below what the node would take.
    #expect(monotonicNanoseconds() - start < 1_000_000_000)
  }
}
