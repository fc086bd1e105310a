import PinionGraph
import Testing

@testable import PinionPasses

@Suite struct CommonSubexpressionsTests {
  @Test func likeNodesAreComputedOnce() throws {
    try expect(
      CommonSubexpressions(),
      """
      graph {
        input %x: float32[2]
        constant %a: float32[1] [2.0]
        constant %b: float32[1] [2.0]
        %c = Mul(%x, %a)
        %d = Mul(%x, %b)
        %e = Neg(%c)
        %f = Neg(%d)
        %g = Add(%e, %f)
        output %g
      }
      """,
      """
      graph {
        input %x: float32[2]
        constant %a: float32[1] [2.0]
        %c = Mul(%x, %a)
        %e = Neg(%c)
        %g = Add(%e, %e)
        output %g
      }
      """)
  }

  @Test func attributesAndConstantsHaveToAgreeToTheBit() throws {
    try expectNoChange(
      CommonSubexpressions(),
      """
      graph {
        input %x: float32[2]
        constant %a: float32[1] [0.0]
        constant %b: float32[1] [-0.0]
        %c = LeakyRelu(%x) {alpha = 0.0}
        %d = LeakyRelu(%x) {alpha = -0.0}
        %e = Add(%c, %a)
        %f = Add(%d, %b)
        output %e
        output %f
      }
      """)
  }

  /// Outputs of a run do not share their memory.
  @Test func outputsStayApart() throws {
    try expectNoChange(
      CommonSubexpressions(),
      """
      graph {
        input %x: float32[2]
        %c = Neg(%x)
        %d = Neg(%x)
        output %c
        output %d
      }
      """)
  }
}
