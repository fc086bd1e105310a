import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionRuntime
import PinionTensor
import Testing

@testable import PinionPasses

func passContext() throws -> PassContext {
  PassContext(backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)))
}

func parse(_ text: String) throws(PinionError) -> Graph { try Graph(parsing: text, resolver: OperatorCatalog()) }

/// Runs the pass until it changes nothing more, and expects the graph `after`, and the same results within `tolerance` on inputs of
/// the declared types.
func expect(
  _ pass: any Pass, _ before: String, _ after: String, tolerance: Float = 0, runs: Bool = true,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let original = try parse(before)
  var graph = original
  let context = try passContext()
  var rounds = 0
  while try pass.run(&graph, context) {
    try graph.verify()
    rounds += 1
    try #require(rounds < 10, "the pass does not come to an end", sourceLocation: sourceLocation)
  }
  graph = graph.compacted()
  try graph.verify()
  let expected = try parse(after).compacted()
  #expect(graph.text(elementLimit: 64) == expected.text(elementLimit: 64), sourceLocation: sourceLocation)
  if runs { try expectSameResults(original, graph, tolerance: tolerance, sourceLocation: sourceLocation) }
}

/// Expects that the pass leaves the graph alone.
func expectNoChange(_ pass: any Pass, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
  try expect(pass, text, text, runs: false, sourceLocation: sourceLocation)
}

func expectSameResults(_ a: Graph, _ b: Graph, tolerance: Float, sourceLocation: SourceLocation = #_sourceLocation) throws {
  for (x, y) in zip(try results(a), try results(b)) {
    let x = try x.asTensor(), y = try y.asTensor()
    #expect(x.type == y.type, sourceLocation: sourceLocation)
    if tolerance == 0 || x.element != .float32 {
      #expect(x.hasSameContents(as: y), sourceLocation: sourceLocation)
    } else {
      for (p, q) in zip(try x.elements(as: Float.self), try y.elements(as: Float.self)) {
        #expect(abs(p - q) <= tolerance * max(1, abs(p)), sourceLocation: sourceLocation)
      }
    }
  }
}

/// What the graph computes from inputs of the declared types, the same for graphs with the same inputs.
func results(_ graph: Graph) throws -> [Value] {
  var generator = Generator()
  let inputs = try graph.inputs.map { try generator.value(graph[$0].type) }
  let program = Program(
    graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights())
  return try program.run(inputs, control: RunControl())
}

/// The text with values named in the order in which they come.
func renamed(_ text: String) -> String {
  var names: [Substring: Int] = [:]
  return text.split(separator: "%", omittingEmptySubsequences: false).enumerated().map { number, part in
    guard number > 0 else { return String(part) }
    let name = part.prefix { $0.isLetter || $0.isNumber || $0 == "#" || $0 == "_" }
    let order = names[name] ?? names.count
    names[name] = order
    return "%\(order)" + part.dropFirst(name.count)
  }.joined()
}

/// Numbers that look random and are the same in every run.
struct Generator {
  private var state: UInt64 = 1

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }

  /// A tensor of a declared type, in which unknown extents are 2.
  mutating func value(_ type: ValueType?) throws -> Value {
    guard case .tensor(let element, let dims?)? = type else { throw PinionError.invalidArgument("the input has no type") }
    let shape = try Shape(
      dims.map {
        if case .known(let extent) = $0 { return extent }
        return 2
      })
    switch element {
    case .float32: return .tensor(try Tensor((0..<shape.count).map { _ in Float(next() % 4001) / 1000 - 2 }, shape))
    case .float16: return .tensor(try Tensor((0..<shape.count).map { _ in Float16(Int(next() % 4001) - 2000) / 1000 }, shape))
    case .bfloat16: return .tensor(try Tensor((0..<shape.count).map { _ in BFloat16(Float(next() % 4001) / 1000 - 2) }, shape))
    case .int64: return .tensor(try Tensor((0..<shape.count).map { _ in Int64(next() % 5) }, shape))
    case .bool: return .tensor(try Tensor((0..<shape.count).map { _ in next() % 2 == 0 }, shape))
    case .uint8: return .tensor(try Tensor((0..<shape.count).map { _ in UInt8(next() % 256) }, shape))
    default: throw PinionError.invalidArgument("no values of type \(element)")
    }
  }
}
