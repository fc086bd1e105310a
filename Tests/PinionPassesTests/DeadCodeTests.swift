import PinionGraph
import Testing

@testable import PinionPasses

@Suite struct DeadCodeTests {
  @Test func dropsWhatNobodyReads() throws {
    try expect(
      DeadCode(),
      """
      graph {
        input %x: float32[1,1,4,4]
        input %unused: float32[2]
        constant %w: float32[2] [1.0, 2.0]
        constant %v: float32[2] [1.0, 2.0]
        %a = Relu(%x)
        %b = Add(%unused, %w)
        %c = Neg(%b)
        %p, %q = MaxPool(%a) {kernel_shape = [2, 2]}
        output %p
      }
      """,
      """
      graph {
        input %x: float32[1,1,4,4]
        input %unused: float32[2]
        %a = Relu(%x)
        %p = MaxPool(%a) {kernel_shape = [2, 2]}
        output %p
      }
      """)
  }

  @Test func subgraphsLoseCapturesAndLearnConstants() throws {
    try expect(
      DeadCode(),
      """
      graph {
        input %p: bool[]
        input %x: float32[1]
        constant %c: float32[1] [3.0]
        %u = Neg(%x)
        %y = If(%p) {else_branch = graph {
          capture %i = %u
          capture %j = %x
          output %j
        }, then_branch = graph {
          capture %k = %c
          capture %l = %x
          %m = Add(%k, %l)
          output %m
        }}
        output %y
      }
      """,
      """
      graph {
        input %p: bool[]
        input %x: float32[1]
        %y = If(%p) {else_branch = graph {
          capture %j = %x
          output %j
        }, then_branch = graph {
          capture %l = %x
          constant %k: float32[1] [3.0]
          %m = Add(%k, %l)
          output %m
        }}
        output %y
      }
      """)
  }
}
