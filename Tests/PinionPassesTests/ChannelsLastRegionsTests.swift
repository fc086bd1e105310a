import PinionGraph
import Testing

@testable import PinionPasses
@testable import PinionTensor

@Suite struct ChannelsLastRegionsTests {
  /// As on a machine that has the kernels; without them the operators compute the same.
  private let pass = ChannelsLastRegions(isAvailable: true)

  /// Expects the graph `after`, whatever the names of its values, and the same codes.
  private func expectRegions(_ before: String, _ after: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let original = try parse(before), context = try passContext()
    var graph = original
    #expect(try pass.run(&graph, context), sourceLocation: sourceLocation)
    try graph.verify()
    let found = renamed(graph.compacted().text()).replacing(#/: uint8\[[0-9,]*\] = /#, with: " = ")
    #expect(found == renamed(try parse(after).compacted().text()), sourceLocation: sourceLocation)
    var again = graph
    #expect(try !pass.run(&again, context), "the pass does not come to an end", sourceLocation: sourceLocation)
    try expectSameResults(original, graph, tolerance: 0, sourceLocation: sourceLocation)
  }

  private static let operands = """
      constant %s: float32[] [0.05]
      constant %z: uint8[] [128]
      constant %ws: float32[] [0.02]
      constant %wz: int8[] [0]
      constant %w: int8[2,2,1,1] [3, -7, 12, 5]
    """

  @Test func transpositionsStandAtTheEdges() throws {
    try expectRegions(
      """
      graph {
        input %x: uint8[1,2,3,4]
      \(ChannelsLastRegionsTests.operands)
        constant %d: int8[2,1,2,1] [-9, 4, 30, 8]
        %a = QLinearConv(%x, %s, %z, %w, %ws, %wz, %s, %z)
        %b = QLinearConv(%a, %s, %z, %d, %ws, %wz, %s, %z) {group = 2, pads = [1, 0, 0, 0]}
        %y = com.microsoft::QLinearAdd(%a, %s, %z, %b, %s, %z, %s, %z)
        output %y
      }
      """,
      """
      graph {
        input %x: uint8[1,2,3,4]
      \(ChannelsLastRegionsTests.operands)
        constant %d: int8[2,1,2,1] [-9, 4, 30, 8]
        %t = Transpose(%x) {perm = [0, 2, 3, 1]}
        %a = com.microsoft::QLinearConv(%t, %s, %z, %w, %ws, %wz, %s, %z) {channels_last = 1}
        %b = com.microsoft::QLinearConv(%a, %s, %z, %d, %ws, %wz, %s, %z) {channels_last = 1, group = 2, pads = [1, 0, 0, 0]}
        %u = com.microsoft::QLinearAdd(%a, %s, %z, %b, %s, %z, %s, %z)
        %y = Transpose(%u) {perm = [0, 3, 1, 2]}
        output %y
      }
      """)
  }

  @Test func poolsAreInside() throws {
    try expectRegions(
      """
      graph {
        input %x: uint8[1,2,5,4]
      \(ChannelsLastRegionsTests.operands)
        %a = QLinearConv(%x, %s, %z, %w, %ws, %wz, %s, %z)
        %p = MaxPool(%a) {kernel_shape = [3, 3], pads = [1, 1, 1, 1], storage_order = 0, strides = [2, 2]}
        %b = QLinearConv(%p, %s, %z, %w, %ws, %wz, %s, %z)
        %m = com.microsoft::QLinearAveragePool(%b, %s, %z, %s, %z) {kernel_shape = [2, 1]}
        %y = com.microsoft::QLinearGlobalAveragePool(%m, %s, %z, %s, %z)
        output %y
      }
      """,
      """
      graph {
        input %x: uint8[1,2,5,4]
      \(ChannelsLastRegionsTests.operands)
        %t = Transpose(%x) {perm = [0, 2, 3, 1]}
        %a = com.microsoft::QLinearConv(%t, %s, %z, %w, %ws, %wz, %s, %z) {channels_last = 1}
        %p = com.microsoft::NhwcMaxPool(%a) {kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 2]}
        %b = com.microsoft::QLinearConv(%p, %s, %z, %w, %ws, %wz, %s, %z) {channels_last = 1}
        %m = com.microsoft::QLinearAveragePool(%b, %s, %z, %s, %z) {channels_last = 1, kernel_shape = [2, 1]}
        %u = com.microsoft::QLinearGlobalAveragePool(%m, %s, %z, %s, %z) {channels_last = 1}
        %y = Transpose(%u) {perm = [0, 3, 1, 2]}
        output %y
      }
      """)
  }

  /// A value that is read inside and outside is there both ways; one code for all places stays what it is.
  @Test func valuesAreSeenOutside() throws {
    try expectRegions(
      """
      graph {
        input %x: uint8[1,2,3,4]
      \(ChannelsLastRegionsTests.operands)
        constant %one: uint8[1,1,1,1] [9]
        %a = QLinearConv(%x, %s, %z, %w, %ws, %wz, %s, %z)
        %b = com.microsoft::QLinearMul(%a, %s, %z, %one, %s, %z, %s, %z)
        %c = QLinearConv(%b, %s, %z, %w, %ws, %wz, %s, %z)
        %y = QLinearConv(%c, %s, %z, %w, %ws, %wz, %s, %z)
        output %y
        output %b
      }
      """,
      """
      graph {
        input %x: uint8[1,2,3,4]
      \(ChannelsLastRegionsTests.operands)
        constant %one: uint8[1,1,1,1] [9]
        %t = Transpose(%x) {perm = [0, 2, 3, 1]}
        %a = com.microsoft::QLinearConv(%t, %s, %z, %w, %ws, %wz, %s, %z) {channels_last = 1}
        %m = com.microsoft::QLinearMul(%a, %s, %z, %one, %s, %z, %s, %z)
        %b = Transpose(%m) {perm = [0, 3, 1, 2]}
        %c = com.microsoft::QLinearConv(%m, %s, %z, %w, %ws, %wz, %s, %z) {channels_last = 1}
        %u = com.microsoft::QLinearConv(%c, %s, %z, %w, %ws, %wz, %s, %z) {channels_last = 1}
        %y = Transpose(%u) {perm = [0, 3, 1, 2]}
        output %y
        output %b
      }
      """)
  }

  /// One convolution, two with something between that has no form for channels last, weights that a run brings.
  @Test func whatDoesNotPayStays() throws {
    try expectNoChange(
      pass,
      """
      graph {
        input %x: uint8[1,2,3,4]
      \(ChannelsLastRegionsTests.operands)
        %a = QLinearConv(%x, %s, %z, %w, %ws, %wz, %s, %z)
        %f = Flatten(%a)
        %q = Sign(%a)
        %b = QLinearConv(%q, %s, %z, %w, %ws, %wz, %s, %z)
        output %f
        output %b
      }
      """)
    try expectNoChange(
      pass,
      """
      graph {
        input %x: uint8[1,2,3,4]
        input %v: int8[2,2,1,1]
      \(ChannelsLastRegionsTests.operands)
        %a = QLinearConv(%x, %s, %z, %v, %ws, %wz, %s, %z)
        %b = QLinearConv(%a, %s, %z, %v, %ws, %wz, %s, %z)
        output %b
      }
      """)
  }

  @Test func otherMachinesKeepTheGraph() throws {
    try expectNoChange(
      ChannelsLastRegions(isAvailable: false),
      """
      graph {
        input %x: uint8[1,2,3,4]
      \(ChannelsLastRegionsTests.operands)
        %a = QLinearConv(%x, %s, %z, %w, %ws, %wz, %s, %z)
        %b = QLinearConv(%a, %s, %z, %w, %ws, %wz, %s, %z)
        output %b
      }
      """)
  }
}
