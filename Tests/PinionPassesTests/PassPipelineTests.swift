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

  @Test func levelZeroChangesNothing() throws {
    var graph = try parse(text)
    let before = graph.text()
    try PassPipeline.run(&graph, level: 0, try passContext())
    #expect(graph.text() == before)
  }
}
