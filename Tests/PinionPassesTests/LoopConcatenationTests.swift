import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionRuntime
import PinionTensor
import Testing

@testable import PinionPasses

@Suite struct LoopConcatenationTests {
  /// A loop of n iterations that appends `part` to a value of shape `start` along an axis and negates another one.
  private func text(axis: Int = 0, start: String = "n,3", part: String = "Neg(%k)", order: String = "%v, %p", use: String = "") -> String {
    """
    graph {
      input %n: int64[]
      input %x: float32[\(start)]
      input %k: float32[2,3]
      %y, %z, %s = Loop(%n, _, %x, %k) {body = graph {
        input %i: int64[]
        input %going: bool[]
        input %v: float32[...]
        input %w: float32[2,3]
        capture %c = %k
        %on = Identity(%going)
        %p = \(part.replacing("%k", with: "%c"))
        %grown = Concat(\(order)) {axis = \(axis)}
        %u = Neg(%w)
        %t = Add(%u, %c)
        output %on
        output %grown
        output %u
        output %t
        \(use)
      }}
      output %y
      output %z
      output %s
    }
    """
  }

  private func run(_ graph: Graph, _ count: Int64, _ rows: Int, _ columns: Int) throws -> [Tensor] {
    let program = Program(
      graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights())
    let x = try Tensor((0..<rows * columns).map { Float($0) }, Shape([rows, columns]))
    let k = try Tensor((0..<6).map { Float($0) + 0.5 }, Shape([2, 3]))
    return try program.run([.tensor(try Tensor(scalar: count)), .tensor(x), .tensor(k)], control: RunControl()).map { try $0.asTensor() }
  }

  @Test func whatIsAppendedIsJoinedOnce() throws {
    for (axis, start, sizes) in [(0, "n,3", [(0, 3), (1, 3), (4, 3)]), (1, "2,n", [(2, 0), (2, 1), (2, 5)]), (-1, "2,n", [(2, 3)])] {
      let original = try parse(text(axis: axis, start: start))
      var graph = original
      #expect(try LoopConcatenation().run(&graph, passContext()))
      try graph.verify()
      let loop = try #require(graph.nodes.first { $0.op is Loop })
      #expect(loop.formalInputCount == 3 && loop.subgraphs[0].nodes.allSatisfy { !($0.op is Concat) })
      #expect(try !LoopConcatenation().run(&graph, passContext()))
      for (rows, columns) in sizes {
        for count in [0, 1, 2, 7] as [Int64] {
          let found = try run(graph, count, rows, columns), expected = try run(original, count, rows, columns)
          for (a, b) in zip(found, expected) { #expect(a.type == b.type && a.hasSameContents(as: b)) }
          let extents = axis == 0 ? [rows + 2 * Int(count), columns] : [rows, columns + 3 * Int(count)]
          #expect(found[0].shape.dims == extents)
        }
      }
    }
  }

  /// A part from outside the loop, which the body gives as it is.
  @Test func partsFromOutside() throws {
    let original = try parse(text(part: "Identity(%k)"))
    var graph = original
    #expect(try IdentityRemoval().run(&graph, passContext()))
    #expect(try LoopConcatenation().run(&graph, passContext()))
    try graph.verify()
    for count in [0, 1, 5] as [Int64] {
      for (a, b) in zip(try run(graph, count, 2, 3), try run(original, count, 2, 3)) { #expect(a.type == b.type && a.hasSameContents(as: b)) }
    }
  }

  @Test func valuesThatAreReadStay() throws {
    try expectNoChange(LoopConcatenation(), text(use: "%a = Shape(%v)\n    output %a"))
    try expectNoChange(LoopConcatenation(), text(use: "output %grown"))
    // In front, twice itself, and parts or beginnings of unknown extents.
    try expectNoChange(LoopConcatenation(), text(order: "%p, %v"))
    try expectNoChange(LoopConcatenation(), text(order: "%v, %v"))
    try expectNoChange(LoopConcatenation(), text(start: "n,m"))
    try expectNoChange(LoopConcatenation(), text(part: "Compress(%k, %going) {axis = 0}"))
    try expectNoChange(LoopConcatenation(), text(part: "Concat(%k, %v) {axis = 0}"))
  }
}
