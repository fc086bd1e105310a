import PinionGraph
import Testing

@testable import PinionPasses

@Suite struct ConstantFoldingTests {
  @Test func computesWhatDependsOnConstantsOnly() throws {
    try expect(
      ConstantFolding(),
      """
      graph {
        input %x: float32[3]
        constant %a: float32[3] [1.0, -2.0, 3.0]
        constant %b: float32[] [2.0]
        %c = Relu(%a)
        %d = Mul(%c, %b)
        %y = Add(%x, %d)
        output %y
      }
      """,
      """
      graph {
        input %x: float32[3]
        constant %d: float32[3] [2.0, 0.0, 6.0]
        %y = Add(%x, %d)
        output %y
      }
      """)
  }

  @Test func constantsOfSubgraphsAreFoldedThere() throws {
    try expect(
      ConstantFolding(),
      """
      graph {
        input %p: bool[]
        input %x: float32[1]
        %y: float32[...] = If(%p) {else_branch = graph {
          capture %i = %x
          output %i
        }, then_branch = graph {
          constant %a: float32[1] [4.0]
          %b = Sqrt(%a)
          output %b
        }}
        output %y
      }
      """,
      """
      graph {
        input %p: bool[]
        input %x: float32[1]
        %y: float32[...] = If(%p) {else_branch = graph {
          capture %i = %x
          output %i
        }, then_branch = graph {
          constant %b: float32[1] [2.0]
          output %b
        }}
        output %y
      }
      """)
  }

  @Test func aShapeIsKnownWhereTheTypeIs() throws {
    try expect(
      ConstantFolding(),
      """
      graph {
        input %x: float32[2,3]
        %r = Relu(%x)
        %s = Shape(%r)
        output %s
        output %r
      }
      """,
      """
      graph {
        input %x: float32[2,3]
        constant %s: int64[2] [2, 3]
        %r = Relu(%x)
        output %s
        output %r
      }
      """)
  }

  @Test func leavesWhatFailsAndWhatGrows() throws {
    let failing = """
      graph {
        constant %a: float32[2] [1.0, 2.0]
        constant %b: float32[3] [1.0, 2.0, 3.0]
        %y = Add(%a, %b)
        output %y
      }
      """
    try expectNoChange(ConstantFolding(), failing)
    let growing = """
      graph {
        constant %a: float32[1] [1.0]
        constant %s: int64[2] [1000, 1000000]
        %y = Expand(%a, %s)
        output %y
      }
      """
    try expectNoChange(ConstantFolding(), growing)
  }
}
