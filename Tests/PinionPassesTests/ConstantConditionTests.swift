import PinionGraph
import Testing

@testable import PinionPasses

@Suite struct ConstantConditionTests {
  private func text(_ condition: String) -> String {
    """
    graph {
      input %x: float32[1]
      constant %p: bool[] [\(condition)]
      %y: float32[...] = If(%p) {else_branch = graph {
        capture %i = %x
        constant %c: float32[] [2.0]
        %n = Mul(%i, %c)
        %m = Neg(%n)
        output %m
      }, then_branch = graph {
        capture %i = %x
        output %i
      }}
      %z = Abs(%y)
      output %z
    }
    """
  }

  @Test func theBranchTakesThePlace() throws {
    try expect(
      ConstantCondition(), text("false"),
      """
      graph {
        input %x: float32[1]
        constant %c: float32[] [2.0]
        %n = Mul(%x, %c)
        %m: float32[...] = Neg(%n)
        %z = Abs(%m)
        output %z
      }
      """)
    try expect(
      ConstantCondition(), text("true"),
      """
      graph {
        input %x: float32[1]
        %z = Abs(%x)
        output %z
      }
      """)
  }

  /// What a branch passes through, gives twice or has as a constant goes out under names of its own.
  @Test func outputsThatTheBranchDoesNotCompute() throws {
    try expect(
      ConstantCondition(),
      """
      graph {
        input %x: float32[1]
        constant %p: bool[] [true]
        %a, %b, %c, %d = If(%p) {else_branch = graph {
          capture %i = %x
          output %i
          output %i
          output %i
          output %i
        }, then_branch = graph {
          capture %i = %x
          constant %k: float32[1] [2.0]
          %n = Neg(%i)
          output %i
          output %n
          output %n
          output %k
        }}
        output %a
        output %b
        output %c
        output %d
      }
      """,
      """
      graph {
        input %x: float32[1]
        constant %k: float32[1] [2.0]
        %n = Neg(%x)
        %a = Identity(%x)
        %c = Identity(%n)
        output %a
        output %n
        output %c
        output %k
      }
      """)
  }

  @Test func nestedBranchesAreTakenAsWell() throws {
    try expect(
      ConstantCondition(),
      """
      graph {
        input %x: float32[1]
        constant %p: bool[] [true]
        %y = If(%p) {else_branch = graph {
          capture %i = %x
          output %i
        }, then_branch = graph {
          capture %i = %x
          constant %q: bool[1] [false]
          %r = If(%q) {else_branch = graph {
            capture %j = %i
            %k = Exp(%j)
            output %k
          }, then_branch = graph {
            capture %j = %i
            output %j
          }}
          %s = Neg(%r)
          output %s
        }}
        output %y
      }
      """,
      """
      graph {
        input %x: float32[1]
        %k = Exp(%x)
        %s = Neg(%k)
        output %s
      }
      """)
  }
}
