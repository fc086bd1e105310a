import PinionBase
import PinionGraph
import PinionTensor
import Testing

@testable import PinionPasses

/// What is known of values where extents have names.
@Suite struct FactsTests {
  /// The facts of a graph's outputs.
  private func facts(_ statements: String) throws -> (facts: [Fact], symbols: Symbols) {
    let graph = try parse("graph {\n\(statements)\n}"), symbols = Symbols()
    var poll = Poll(RunControl())
    var facts = Facts(symbols)
    try facts.fill(graph, captured: nil, &poll)
    for index in graph.nodes.indices { facts.infer(graph.nodes, index, graph.constants, hasChanged: { _ in }) }
    return (graph.outputs.map { facts[$0] }, symbols)
  }

  @Test func pastAndNewAddUpToOneSymbol() throws {
    let (facts, symbols) = try facts(
      """
        input %past: float32[b,4,p,8]
        input %new: float32[b,4,s,8]
        constant %k: int64[1] [3]
        %all = Concat(%past, %new) {axis = -2}
        %other = Concat(%new, %past) {axis = 2}
        %y = Add(%all, %other)
        %v, %i = TopK(%y, %k)
        output %all
        output %y
        output %i
      """)
    let batch = symbols.named("b"), total = symbols.sum(of: [symbols.named("p"), symbols.named("s")])
    #expect(facts[0].dims == [batch, 4, total, 8])
    #expect(facts[1].dims == [batch, 4, total, 8])
    #expect(facts[2].dims == [batch, 4, total, 3])
    #expect(facts[2].element == .int64)
  }

  @Test func shapesAreFollowedThroughArithmetic() throws {
    let (facts, symbols) = try facts(
      """
        input %x: float32[b,s,12]
        constant %axis: int64[] [1]
        constant %four: int64[1] [4]
        constant %minus: int64[1] [-1]
        constant %ones: int64[3] [1, 1, 1]
        %shape = Shape(%x)
        %same = Equal(%shape, %minus)
        %wanted = Where(%same, %ones, %shape)
        %expanded = Expand(%x, %wanted)
        %rows = Gather(%shape, %axis)
        %more = Add(%rows, %four)
        %zeros = ConstantOfShape(%more)
        output %expanded
        output %zeros
      """)
    #expect(facts[0].dims == [symbols.named("b"), symbols.named("s"), 12])
    #expect(facts[1].dims == [symbols.sum(of: [symbols.named("s"), 4])])
  }
}
