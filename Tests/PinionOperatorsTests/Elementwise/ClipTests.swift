import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@Suite struct ClipTests {
  @Test func bothBounds() throws {
    let y = try evaluate("Clip", [try tensor([-2, 0, 2] as [Float], [3]), try tensor([-1] as [Float], []), try tensor([1] as [Float], [])])
    try expect(y, [-1, 0, 1] as [Float], [3])
  }

  @Test func oneBound() throws {
    try expect(try evaluate("Clip", [try tensor([-2, 3] as [Int8], [2]), nil, try tensor([1] as [Int8], [])]), [-2, 1] as [Int8], [2])
    let y = try evaluate("Clip", [try tensor([1, UInt64.max], [2]), try tensor([5] as [UInt64], [])])
    try expect(y, [5, UInt64.max], [2])
    try expect(try evaluate("Clip", [try tensor([-3, 9] as [Float16], [2])]), [-3, 9] as [Float16], [2])
  }

  @Test func crossedBoundsGiveTheUpperOne() throws {
    let y = try evaluate("Clip", [try tensor([-2, 0, 6] as [Float], [3]), try tensor([2] as [Float], []), try tensor([1] as [Float], [])])
    try expect(y, [1, 1, 1] as [Float], [3])
  }

  @Test func boundsAsAttributes() throws {
    var draft = NodeDraft(
      domain: "", name: "Clip", opset: 6, attributes: ["min": .float(-1), "max": .float(2)], inputs: [.none])
    try Clip.adapt(&draft)
    try expect(try evaluate("Clip", attributes: draft.attributes, [try tensor([-5, 5] as [Float], [2])]), [-1, 2] as [Float], [2])
  }

  @Test func boundsHaveToBeScalars() throws {
    #expect(throws: (any Error).self) {
      try evaluate("Clip", [try tensor([1, 2] as [Float], [2]), try tensor([0, 1] as [Float], [2])])
    }
  }
}
