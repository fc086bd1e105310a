import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionRuntime
import PinionTensor
import Testing

@testable import PinionPasses

@Suite struct LoopInvariantsTests {
  /// A loop that carries `x` and `w` as they are, and adds what `product` makes of them to a sum. `more` and `last` are further outputs.
  private func text(
    product: String = "MatMul(%v, %m)", x: String = "n,3", outputs: String = "output %y\n  output %s", handsOn: String = "output %v\n        output %m"
  ) -> String {
    """
    graph {
      input %n: int64[]
      input %x: float32[\(x)]
      input %start: float32[2,2]
      constant %w: float32[3,2] [1.0, -2.0, 3.0, 0.5, 4.0, 1.0]
      %xx, %ww, %y, %s = Loop(%n, _, %x, %w, %start) {body = graph {
        input %i: int64[]
        input %going: bool[]
        input %v: float32[...]
        input %m: float32[...]
        input %sum: float32[2,2]
        %on = Identity(%going)
        %p = \(product)
        %next = Add(%sum, %p)
        %t = Neg(%next)
        %vv = Identity(%v)
        %mm = Identity(%m)
        %mmm = Identity(%mm)
        output %on
        \(handsOn)
        output %next
        output %t
      }}
      \(outputs)
    }
    """
  }

  private func run(_ graph: Graph, _ count: Int64) throws -> [Tensor] {
    let program = Program(
      graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights())
    let x = try Tensor([1, 2, 3, 4, 5, 6] as [Float], Shape([2, 3]))
    let start = try Tensor([1, 1, 1, 1] as [Float], Shape([2, 2]))
    return try program.run([.tensor(try Tensor(scalar: count)), .tensor(x), .tensor(start)], control: RunControl()).map { try $0.asTensor() }
  }

  private func loop(_ graph: Graph) throws -> Node { try #require(graph.nodes.first { $0.op is Loop }) }

  @Test(arguments: ["output %v\n        output %m", "output %vv\n        output %mmm"])
  func whatIsHandedOnIsCapturedAndItsProductMadeOnce(_ handsOn: String) throws {
    var graph = try parse(text(handsOn: handsOn))
    #expect(try LoopInvariants().run(&graph, passContext()))
    try graph.verify()
    let node = try loop(graph)
    #expect(node.formalInputCount == 3, "the sum alone is carried")
    #expect(node.subgraphs[0].nodes.allSatisfy { !($0.op is MatMul) })
    #expect(graph.nodes.filter { $0.op is MatMul }.count == 1)
    #expect(try !LoopInvariants().run(&graph, passContext()))
    // x = [1 2 3; 4 5 6]; in the second row 4 + 15 + 24 and -8 + 2.5 + 6.
    let product: [Float] = [19, 2, 43, 0.5]
    for count in 0...3 as ClosedRange<Int64> {
      let results = try run(graph, count)
      let sums = product.map { 1 + Float(count) * $0 }
      #expect(try results[0].elements(as: Float.self) == sums, "\(count) iterations")
      #expect(results[1].shape.dims == [Int(count), 2, 2])
      #expect(try Array(results[1].elements(as: Float.self).suffix(4)) == (count == 0 ? [] : sums.map { -$0 }))
    }
  }

  @Test func outputsOfWhatIsHandedOnAreTheStart() throws {
    var graph = try parse(text(outputs: "%a = Neg(%xx)\n  %b = Neg(%ww)\n  output %a\n  output %b\n  output %y"))
    #expect(try LoopInvariants().run(&graph, passContext()))
    try graph.verify()
    for count in [0, 2] as [Int64] {
      let results = try run(graph, count)
      #expect(try results[0].elements(as: Float.self) == [-1, -2, -3, -4, -5, -6])
      #expect(try results[1].elements(as: Float.self) == [-1, 2, -3, -0.5, -4, -1])
    }
  }

  @Test func aLoopOfWhichNothingElseIsReadGoes() throws {
    var graph = try parse(text(outputs: "%a = Neg(%xx)\n  output %a"))
    #expect(try LoopInvariants().run(&graph, passContext()))
    try graph.verify()
    #expect(graph.nodes.allSatisfy { !($0.op is Loop) })
    #expect(try run(graph, 2)[0].elements(as: Float.self) == [-1, -2, -3, -4, -5, -6])
  }

  /// An input that is an output would be one value under two names.
  @Test func inputsAreNotOutputs() throws {
    var graph = try parse(text(outputs: "output %xx\n  output %y"))
    _ = try LoopInvariants().run(&graph, passContext())
    try graph.verify()
    #expect(try loop(graph).formalInputCount >= 4)
    #expect(try run(graph, 0)[0].elements(as: Float.self) == [1, 2, 3, 4, 5, 6])
  }

  /// A loop without iterations must not fail for a product that its body would not have made.
  @Test(arguments: ["n,m", "...", "n,4"]) func aProductThatMayFailStays(x: String) throws {
    var graph = try parse(text(x: x))
    _ = try LoopInvariants().run(&graph, passContext())
    try graph.verify()
    #expect(try loop(graph).subgraphs[0].nodes.contains { $0.op is MatMul })
    if x != "n,4" { #expect(try run(graph, 0)[0].elements(as: Float.self) == [1, 1, 1, 1]) }
  }

  @Test func whatChangesIsCarried() throws {
    var graph = try parse(text(product: "MatMul(%v, %m)").replacing("output %v", with: "output %u").replacing("%on =", with: "%u = Neg(%v)\n    %on ="))
    _ = try LoopInvariants().run(&graph, passContext())
    try graph.verify()
    #expect(try loop(graph).formalInputCount == 4)
    #expect(try loop(graph).subgraphs[0].nodes.contains { $0.op is MatMul })
    #expect(try run(graph, 2)[0].elements(as: Float.self) == [1, 1, 1, 1])
  }
}
