import PinionGraph
import Testing

@testable import PinionPasses

@Suite struct PositionsTests {
  private func gather(rows: String = "%r0", columns: String = "%c0", data: String = "bool[B,9]", more: String = "") throws -> Graph {
    let text = """
      graph {
        input %data: \(data)
        input %x: float32[B,T]
        constant %i0: int64[] [0]
        constant %i1: int64[] [1]
        constant %a012: int64[3] [0, 1, 2]
        constant %a123: int64[3] [1, 2, 3]
        constant %last: int64[1] [-1]
        %b1 = Shape(%x) {start = 0, end = 1}
        %t1 = Shape(%x) {start = 1, end = 2}
        %b = Squeeze(%b1)
        %t = Squeeze(%t1)
        %r0 = Range(%i0, %b, %i1)
        %c0 = Range(%i0, %t, %i1)
        \(more)
        %r = Unsqueeze(\(rows), %a123)
        %c = Unsqueeze(\(columns), %a012)
        %both = Max(%r, %c)
        %shape = Shape(%both)
        %re = Expand(%r, %shape)
        %ce = Expand(%c, %shape)
        %ru = Unsqueeze(%re, %last)
        %cu = Unsqueeze(%ce, %last)
        %indices = Concat(%ru, %cu) {axis = -1}
        %y = GatherND(%data, %indices)
        output %y
      }
      """
    let before = try parse(text)
    var after = before
    while try IdentityRemoval().run(&after, try passContext()) {}
    after = after.compacted()
    try after.verify()
    try expectSameResults(before, after, tolerance: 0)
    return after
  }

  @Test func broadcastPositionsGatherColumns() throws {
    for columns in ["%c0", "%c1"] {
      let graph = try gather(columns: columns, more: "%c1 = Add(%c0, %i1)")
      let operators = graph.nodes.map(\.schema.name)
      #expect(operators.contains("Gather") && !operators.contains("GatherND") && !operators.contains("Expand"), "\(graph)")
    }
  }

  @Test func otherRowsStay() throws {
    // Rows out of order, rows of which there may be more than indices, and data of three axes.
    let shifted = try gather(rows: "%r1", data: "bool[4,9]", more: "%r1 = Add(%r0, %i1)")
    #expect(shifted.nodes.contains { $0.schema.name == "GatherND" }, "\(shifted)")
    let more = try gather(data: "bool[C,9]")
    #expect(more.nodes.contains { $0.schema.name == "GatherND" }, "\(more)")
    let deeper = try gather(data: "bool[B,9,3]")
    #expect(deeper.nodes.contains { $0.schema.name == "GatherND" }, "\(deeper)")
  }

  @Test func flagsAndShapesThatChangeNothing() throws {
    try expect(
      IdentityRemoval(),
      """
      graph {
        input %x: bool[B,T]
        constant %true: bool[] [true]
        constant %false: bool[1] [false]
        %b = Shape(%x)
        %a = And(%true, %x)
        %o = Or(%a, %false)
        %e = Expand(%o, %b)
        %y = Not(%e)
        output %y
      }
      """,
      """
      graph {
        input %x: bool[B,T]
        %y = Not(%x)
        output %y
      }
      """)
    try expectNoChange(
      IdentityRemoval(),
      """
      graph {
        input %x: bool[B,1]
        input %z: bool[B,T]
        constant %false: bool[] [false]
        constant %wide: bool[1,1,1] [true]
        %b = Shape(%z)
        %a = And(%false, %x)
        %o = And(%a, %wide)
        %e = Expand(%o, %b)
        output %e
      }
      """)
  }
}
