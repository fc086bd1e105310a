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

  /// As exporters put the gates of an LSTM into another order: most of these nodes have nothing to compute.
  @Test func partsOfConstantsArePutTogether() throws {
    try expect(
      ConstantFolding(),
      """
      graph {
        input %x: float32[1,4,2]
        constant %w: float32[4,2] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
        constant %zero: int64[1] [0]
        constant %two: int64[1] [2]
        constant %four: int64[1] [4]
        %a = Slice(%w, %zero, %two, %zero)
        %b = Slice(%w, %two, %four, %zero)
        %c = Concat(%b, %a) {axis = 0}
        %d = Unsqueeze(%c, %zero)
        %y = Add(%x, %d)
        %z = Mul(%x, %w)
        output %y
        output %z
      }
      """,
      """
      graph {
        input %x: float32[1,4,2]
        constant %w: float32[4,2] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
        constant %d: float32[1,4,2] [4.0, 5.0, 6.0, 7.0, 0.0, 1.0, 2.0, 3.0]
        %y = Add(%x, %d)
        %z = Mul(%x, %w)
        output %y
        output %z
      }
      """)
  }

  /// Two parts of one constant have one type; each is a part of its own for whoever takes parts of them in turn.
  @Test func partsOfPartsLieWhereTheyShould() throws {
    var graph = try parse(
      """
      graph {
        input %x: float32[1]
        constant %w: float32[8] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
        constant %zero: int64[1] [0]
        constant %two: int64[1] [2]
        constant %four: int64[1] [4]
        constant %eight: int64[1] [8]
        %a = Slice(%w, %zero, %four)
        %b = Slice(%w, %four, %eight)
        %c = Slice(%a, %two, %four)
        %d = Slice(%b, %two, %four)
        %e = Slice(%b, %zero, %two)
        %f = Slice(%a, %zero, %two)
        %y = Add(%x, %c)
        %z = Add(%x, %d)
        %p = Add(%x, %e)
        %q = Add(%x, %f)
        output %y
        output %z
        output %p
        output %q
      }
      """)
    // As models have them: constants that own their forms.
    try graph.adoptConstants(allocator: .system)
    #expect(try ConstantFolding().run(&graph, try passContext()))
    let parts = ["c": [2, 3], "d": [6, 7], "e": [4, 5], "f": [0, 1]] as [String: [Float]]
    for (value, tensor) in graph.constants {
      if let part = parts[graph[value].name] { #expect(try tensor.elements(as: Float.self) == part) }
    }
    #expect(graph.nodes.count == 4)
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
