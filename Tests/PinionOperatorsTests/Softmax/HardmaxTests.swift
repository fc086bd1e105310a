import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct HardmaxTests {
  @Test func firstOfEquals() throws {
    let y = try evaluate("Hardmax", [try tensor([3, 0, 1, 2, 2, 5, 5, 1] as [Float], [2, 4])])
    try expect(y, [1, 0, 0, 0, 0, 1, 0, 0] as [Float], [2, 4])
  }

  @Test func outerAxis() throws {
    let y = try evaluate("Hardmax", attributes: ["axis": .int(0)], [try tensor([3, 0, 1, 2] as [Float], [2, 2])])
    try expect(y, [1, 0, 0, 1] as [Float], [2, 2])
  }
}
