import PinionGraph
import Testing

@testable import PinionPasses

@Suite struct PassPipelineTests {
  private let text = """
    graph {
      input %x: float32[2]
      constant %p: bool[] [true]
      constant %a: float32[1] [4.0]
      %q = Not(%p)
      %y = If(%q) {else_branch = graph {
        capture %i = %x
        capture %s = %a
        %t = Sqrt(%s)
        %u = Div(%i, %t)
        output %u
      }, then_branch = graph {
        capture %i = %x
        output %i
      }}
      %z = Identity(%y)
      output %z
    }
    """

  @Test func passesHelpEachOther() throws {
    var graph = try parse(text)
    try PassPipeline.run(&graph, level: 1, try passContext())
    #expect(
      graph.text() == """
        graph {
          input %x: float32[2]
          constant %#1: float32[1] [0.5]
          %u = Mul(%x, %#1)
          output %u
        }

        """)
  }

  /// The products with weights that only a pass makes constants sum in the order of those with weights.
  @Test(arguments: [
    "%w = CastLike(%c, %x)",
    "%p = Not(%q) %w = If(%p) {else_branch = graph { constant %e: float32[1,1] [0.0] output %e }, then_branch = graph { capture %d = %c output %d }}",
    "%w = If(%t) {else_branch = graph { constant %e: float32[1,1] [0.0] output %e }, then_branch = graph { capture %d = %c %f = Neg(%d) output %f }}",
  ])
  func levelOneKeepsEveryBit(_ weights: String) throws {
    let numbers = (0..<320).map { "\(Float(($0 * 37) % 101) / 7 - 5)" }.joined(separator: ", ")
    let graph = try parse(
      "graph { input %x: float32[1,40] constant %q: bool[] [false] constant %t: bool[] [true] constant %c: float32[40,8] [\(numbers)] "
        + "\(weights) %y = MatMul(%x, %w) output %y }")
    var improved = graph
    try PassPipeline.run(&improved, level: 1, try passContext())
    #expect(improved.nodes.count == 1)
    try expectSameResults(graph, improved, tolerance: 0)
  }

  @Test func levelZeroChangesNothing() throws {
    var graph = try parse(text)
    let before = graph.text()
    try PassPipeline.run(&graph, level: 0, try passContext())
    #expect(graph.text() == before)
  }
}
