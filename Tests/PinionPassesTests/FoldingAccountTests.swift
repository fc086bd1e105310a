import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionRuntime
import PinionTensor
import Testing

@testable import PinionPasses

@Suite struct FoldingAccountTests {
  /// - Parameter bytes: what nodes that are computed beforehand may take.
  private func context(bytes: Int? = nil) throws -> PassContext {
    var limits = RunLimits()
    limits.bytes = bytes
    return PassContext(
      backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), control: RunControl(limits))
  }

  /// `count` tables of 250,000 numbers (1 MB), each computed from a number and read by a node that waits for the input.
  private func tables(_ count: Int) throws -> Graph {
    try parse(
      "graph {\n  input %x: float32[1]\n  constant %e: int64[1] [250000]\n"
        + (0..<count).map { "  constant %c\($0): float32[1] [\($0).5]\n  %t\($0) = Expand(%c\($0), %e)\n  %y\($0) = Add(%x, %t\($0))\n  output %y\($0)\n" }
        .joined() + "}")
  }

  private func expands(_ graph: Graph) -> Int { graph.nodes.count { $0.schema.name == "Expand" } }

  @Test func theBudgetIsOneForAllNodesAndPasses() throws {
    var graph = try tables(40)
    let context = try context(bytes: 10 << 20)
    try PassPipeline.run(&graph, level: 2, context)
    // A table is 1,000,000 bytes and 256 for its records, of which 10 fit into 10,485,760.
    #expect(expands(graph) == 30)
    let before = try tables(40)
    try expectSameResults(before, graph, tolerance: 0)
  }

  @Test func aGraphGrowsByNoMoreThanIsSaid() throws {
    var graph = try tables(100)
    try PassPipeline.run(&graph, level: 2, try context())
    // Of 67,108,864 bytes in all; the number that a table is made of goes.
    #expect(expands(graph) == 33)
  }

  @Test func whatNobodyReadsAnyMoreIsGivenBack() throws {
    // Each table is read by the next node alone, so that two are there at once.
    let count = 60
    var text = "graph {\n  input %x: float32[1]\n  constant %e: int64[1] [250000]\n  constant %c: float32[1] [0.5]\n  constant %z: int64[] [0]\n  %t0 = Expand(%c, %e)\n"
    for index in 1...count { text += "  %t\(index) = \(index % 2 == 0 ? "Neg" : "Exp")(%t\(index - 1))\n" }
    text += "  %m = ReduceMax(%t\(count)) {keepdims = 0}\n  %y = Add(%x, %m)\n  output %y\n}"
    var graph = try parse(text)
    let context = try context(bytes: 4 << 20)
    #expect(try ConstantFolding().run(&graph, context))
    #expect(graph.nodes.map(\.schema.name) == ["Add"])
    #expect(context.control.peakBytes == 0)
    #expect(context.folding.control.peakBytes <= 4 << 20)
  }

  @Test func textCounts() throws {
    // Each list has 1000 elements of 16 bytes and 3000 bytes of text.
    let words = [String](repeating: "\"ab\"", count: 1000).joined(separator: ", ")
    var text = "graph {\n  input %x: int64[1]\n  constant %w: string[1000] [\(words)]\n"
    for index in 0..<20 {
      text += "  constant %c\(index): string[1] [\"\(index % 10)\"]\n  %t\(index) = StringConcat(%w, %c\(index))\n  %y\(index) = Gather(%t\(index), %x)\n  output %y\(index)\n"
    }
    text += "}"
    var graph = try parse(text)
    try PassPipeline.run(&graph, level: 1, try context(bytes: 150_000))
    let left = graph.nodes.count { $0.schema.name == "StringConcat" }
    // Each takes 19,512 bytes, of which seven fit; the text is there once.
    #expect((12...15).contains(left), "\(left) are left")
  }

  /// Float16 constants of 16 KiB, each read by a product that passes compute in float32, where they are 32 KiB.
  @Test func widenedConstantsCount() throws {
    let count = 20, numbers = (0..<8192).map { "\($0 % 7).5" }.joined(separator: ", ")
    var text = "graph {\n  input %x: float32[2,64]\n  %h = Cast(%x) {to = 10}\n"
    for index in 0..<count {
      text += "  constant %w\(index): float16[64,128] [\(numbers)]\n  %p\(index) = MatMul(%h, %w\(index))\n  %r\(index) = Relu(%p\(index))\n"
      text += "  %y\(index) = Cast(%r\(index)) {to = 1}\n  output %y\(index)\n"
    }
    text += "}"
    var graph = try parse(text)
    let context = try context(bytes: 200_000)
    try PassPipeline.run(&graph, level: 2, context)
    #expect(context.folding.control.peakBytes <= 200_000)
    // Six of 33,024 bytes fit; the others are converted in the runs.
    #expect(graph.constants.values.count { $0.element == .float16 } == 14)
    #expect(graph.nodes.count { $0.schema.name == "Cast" && graph.constants[$0.inputs[0] ?? ValueID(index: 0)] != nil } == 14)
  }

  /// 4-bit weights that become operands of MatMulNBits, as far as they fit.
  @Test func packedCodesCount() throws {
    let count = 10, numbers = (0..<8192).map { "\($0 % 8)" }.joined(separator: ", ")
    var text = "graph {\n  input %x: float32[2,64]\n  constant %s: float32[] [0.5]\n"
    for index in 0..<count {
      text += "  constant %w\(index): int4[64,128] [\(numbers)]\n  %v\(index) = DequantizeLinear(%w\(index), %s)\n"
      text += "  %y\(index) = MatMul(%x, %v\(index))\n  output %y\(index)\n"
    }
    text += "}"
    var graph = try parse(text)
    let context = try context(bytes: 20_000)
    try PassPipeline.run(&graph, level: 2, context)
    #expect(context.folding.control.peakBytes <= 20_000)
    let packed = graph.nodes.count { $0.schema.name == "MatMulNBits" }
    #expect((2...4).contains(packed), "\(packed) are packed")
  }

  @Test func aViewOfAConstantTakesNothing() throws {
    var graph = try parse(
      "graph {\n  input %x: float32[1]\n  constant %w: float32[2,2] [1, 2, 3, 4]\n  %i = Identity(%w)\n  %y = Add(%x, %i)\n  output %y\n  %z = Mul(%x, %w)\n  output %z\n}")
    let context = try context(bytes: 0)
    _ = try ConstantFolding().run(&graph, context)
    #expect(graph.nodes.map(\.schema.name) == ["Add", "Mul"])
  }
}
