import PinionGraph
import Testing

@testable import PinionPasses
@testable import PinionTensor

@Suite struct HalfRegionsTests {
  @Test func theMiddleOfAGraphIsFloat32() throws {
    try expectRegions(
      """
      graph {
        input %x: float32[2,3]
        constant %w: float16[3,3] [0.5, 1.0, -1.0, 0.25, 2.0, 1.5, -0.5, 1.0, 0.125]
        constant %b: float16[3] [0.5, 1.0, -1.0]
        %h = Cast(%x) {to = 10}
        %p = MatMul(%h, %w)
        %q = Add(%p, %b)
        %r = Relu(%q)
        %y = Cast(%r) {to = 1}
        output %y
      }
      """,
      """
      graph {
        input %x: float32[2,3]
        constant %w: float32[3,3] [0.5, 1.0, -1.0, 0.25, 2.0, 1.5, -0.5, 1.0, 0.125]
        constant %b: float32[3] [0.5, 1.0, -1.0]
        %h = Cast(%x) {to = 10}
        %i = Cast(%h) {to = 1}
        %p = MatMul(%i, %w)
        %q = Add(%p, %b)
        %r = Relu(%q)
        %y = Cast(%r) {to = 1}
        output %y
      }
      """)
  }

  @Test func inputsAndOutputsStay() throws {
    try expectRegions(
      """
      graph {
        input %x: bfloat16[2,3]
        input %z: bfloat16[2,3]
        %s = Softmax(%x)
        %t = Mul(%s, %z)
        %u = Add(%t, %x)
        output %t
        output %u
      }
      """,
      """
      graph {
        input %x: bfloat16[2,3]
        input %z: bfloat16[2,3]
        %a = Cast(%x) {to = 1}
        %s = Softmax(%a)
        %b = Cast(%z) {to = 1}
        %m = Mul(%s, %b)
        %t = Cast(%m) {to = 16}
        %n = Add(%m, %a)
        %u = Cast(%n) {to = 16}
        output %t
        output %u
      }
      """)
  }

  @Test func castsOfTheModelRound() throws {
    try expectRegions(
      """
      graph {
        input %x: float16[2,3]
        %a = Softmax(%x)
        %b = Exp(%a)
        %c = Cast(%b) {to = 16}
        %d = Softmax(%c)
        %e = Exp(%d)
        %y = Cast(%e) {to = 1}
        output %y
      }
      """,
      """
      graph {
        input %x: float16[2,3]
        %w = Cast(%x) {to = 1}
        %a = Softmax(%w)
        %b = Exp(%a)
        %c = Cast(%b) {to = 16}
        %v = Cast(%c) {to = 1}
        %d = Softmax(%v)
        %e = Exp(%d)
        %y = Cast(%e) {to = 1}
        output %y
      }
      """)
    // One to float32 and back is there for its rounding.
    try expectRegions(
      """
      graph {
        input %x: float32[2,3]
        %a = Softmax(%x)
        %h = Cast(%a) {to = 10}
        %b = Cast(%h) {to = 1}
        %y = Exp(%b)
        output %y
      }
      """, nil)
  }

  @Test func movementIsInARegionBetweenMembersOnly() throws {
    try expectRegions(
      """
      graph {
        input %ids: int64[2]
        constant %table: float16[3,2] [0.5, 1.0, -1.0, 0.25, 2.0, 1.5]
        constant %shape: int64[1] [-1]
        %e = Gather(%table, %ids)
        %s = Softmax(%e)
        %t = Transpose(%s) {perm = [1, 0]}
        %g = Gather(%t, %ids)
        %y = Softmax(%g)
        %z = Reshape(%y, %shape)
        output %z
      }
      """,
      """
      graph {
        input %ids: int64[2]
        constant %table: float16[3,2] [0.5, 1.0, -1.0, 0.25, 2.0, 1.5]
        constant %shape: int64[1] [-1]
        %e = Gather(%table, %ids)
        %f = Cast(%e) {to = 1}
        %s = Softmax(%f)
        %t = Transpose(%s) {perm = [1, 0]}
        %g = Gather(%t, %ids)
        %w = Softmax(%g)
        %y = Cast(%w) {to = 10}
        %z = Reshape(%y, %shape)
        output %z
      }
      """, runs: false)
  }

  @Test func aConstantServesBothSides() throws {
    try expectRegions(
      """
      graph {
        input %x: float16[2,2]
        constant %w: float16[2,2] [0.5, 1.0, -1.0, 0.25]
        %p = MatMul(%x, %w)
        %r = Relu(%p)
        %q = BitCast(%w) {to = 4}
        output %r
        output %q
      }
      """,
      """
      graph {
        input %x: float16[2,2]
        constant %w: float16[2,2] [0.5, 1.0, -1.0, 0.25]
        constant %v: float32[2,2] [0.5, 1.0, -1.0, 0.25]
        %a = Cast(%x) {to = 1}
        %p = MatMul(%a, %v)
        %s = Relu(%p)
        %r = Cast(%s) {to = 10}
        %q = BitCast(%w) {to = 4}
        output %r
        output %q
      }
      """)
  }

  @Test func subgraphsSeeHalf() throws {
    let original = try parse(
      """
      graph {
        input %x: float16[2,2]
        input %c: bool[]
        %p = MatMul(%x, %x)
        %s = Softmax(%p)
        %t = Exp(%s)
        %y = If(%c) {else_branch = graph {
          capture %i = %s
          output %i
        }, then_branch = graph {
          capture %i = %s
          %m = Softmax(%i)
          %n = Exp(%m)
          output %n
        }}
        output %t
        output %y
      }
      """)
    var graph = original
    #expect(try HalfRegions().run(&graph, try passContext()))
    try graph.verify()
    func operators(_ graph: Graph) -> [String] { graph.nodes.map { $0.schema.name } }
    #expect(operators(graph) == ["Cast", "MatMul", "Softmax", "Cast", "Exp", "Cast", "If"])
    // What enters a branch is half, and each branch has regions of its own.
    #expect(graph.nodes.last?.subgraphs.map(operators).sorted { $0.count < $1.count } == [[], ["Cast", "Softmax", "Exp", "Cast"]])
    for (x, y) in zip(try results(original), try results(graph)) {
      let x = try x.asTensor(), y = try y.asTensor()
      #expect(x.type == y.type)
      for (p, q) in zip(try #require(x.numbers), try #require(y.numbers)) { #expect(abs(p - q) <= 0x1p-7 * max(1, abs(p))) }
    }
  }

  @Test(arguments: [
    // One node is in float32 already, and there is nothing to leave out.
    "%y = Softmax(%x)",
    // Nobody needs float32.
    "%a = Abs(%x)\n%y = Neg(%a)",
    // The number of elements hangs on the roundings.
    "%a = Softmax(%x)\n%y = NonZero(%a)",
    "%a = Softmax(%x)\n%y = IsInf(%a)",
    "%a = Softmax(%x)\n%y = BitCast(%a) {to = 4}",
    "%a = Softmax(%x)\n%y = CastLike(%i, %a)",
    "%a = Softmax(%x)\n%y = RandomUniformLike(%a) {dtype = 1}",
    "%y = SequenceConstruct(%x)",
  ])
  func nothingIsGained(_ nodes: String) throws {
    try expectRegions("graph {\n  input %x: float16[2,3]\n  input %i: int64[2]\n  \(nodes)\n  output %y\n}", nil)
  }

  /// Operands that say extents stay.
  @Test func extentsStay() throws {
    try expectRegions(
      """
      graph {
        input %x: float16[1,1,2,2]
        constant %s: float16[4] [1.0, 1.0, 2.0, 2.0]
        %a = Softmax(%x)
        %b = Resize(%a, _, %s)
        %y = Exp(%b)
        output %y
      }
      """,
      """
      graph {
        input %x: float16[1,1,2,2]
        constant %s: float16[4] [1.0, 1.0, 2.0, 2.0]
        %w = Cast(%x) {to = 1}
        %a = Softmax(%w)
        %b = Resize(%a, _, %s)
        %e = Exp(%b)
        %y = Cast(%e) {to = 10}
        output %y
      }
      """)
  }

  /// A large constant is not written out: what is made of it comes from the half elements.
  @Test func largeConstantsAreMadeWhenAskedFor() throws {
    var graph = try parse(
      """
      graph {
        input %x: float16[2,256]
        input %w: float16[256,256]
        %p = MatMul(%x, %w)
        %y = Softmax(%p)
        output %y
      }
      """)
    let value = graph.inputs.removeLast()
    let elements = (0..<65_536).map { Float16($0 % 32) }
    graph.constants[value] = Constant.adopt(try Tensor(elements, Shape([256, 256])), allocator: .system)
    #expect(try HalfRegions().run(&graph, try passContext()))
    let wide = try #require(graph.constants.values.first { $0.element == .float32 })
    #expect(wide.isMade)
    #expect(try wide.resident().elements(as: Float.self) == elements.map { Float($0) })
  }
}

/// Expects `after` under other names, or nothing to do, and results that differ by a few roundings only.
private func expectRegions(
  _ before: String, _ after: String?, runs: Bool = true, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  guard let after else { return try expectNoChange(HalfRegions(), before, sourceLocation: sourceLocation) }
  let original = try parse(before), context = try passContext()
  var graph = original
  #expect(try HalfRegions().run(&graph, context), sourceLocation: sourceLocation)
  try graph.verify()
  let found = renamed(graph.compacted().text()).replacing(#/: float32\[[0-9,]*\] = Cast/#, with: " = Cast")
  #expect(found == renamed(try parse(after).text()), sourceLocation: sourceLocation)
  var again = graph
  #expect(try !HalfRegions().run(&again, context), "the pass does not come to an end", sourceLocation: sourceLocation)
  guard runs else { return }
  for (x, y) in zip(try results(original), try results(graph)) {
    let x = try x.asTensor(), y = try y.asTensor()
    #expect(x.type == y.type, sourceLocation: sourceLocation)
    let unit = x.element == .bfloat16 ? 0x1p-7 : 0x1p-10
    guard let a = x.numbers, let b = y.numbers else {
      #expect(x.hasSameContents(as: y), sourceLocation: sourceLocation)
      continue
    }
    for (p, q) in zip(a, b) {
      #expect(abs(p - q) <= 8 * unit * max(1, abs(p)), sourceLocation: sourceLocation)
    }
  }
}
