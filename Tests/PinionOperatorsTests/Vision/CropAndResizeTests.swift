import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct CropAndResizeTests {
  private func crop(_ boxes: [Float], _ size: [Int32], _ attributes: [String: AttributeValue] = [:], image: Int32 = 0) throws -> Tensor {
    // 4 * row + column, of which bilinear sampling gives the same at any point.
    let x = try tensor((0..<12).map(Float.init), [1, 1, 3, 4])
    return try evaluate(
      "CropAndResize", domain: "com.microsoft", attributes: attributes,
      [x, try tensor(boxes, [boxes.count / 4, 4]), try tensor([image], [1]), try tensor(size, [size.count])], constants: [3])
  }

  @Test func cornersOnCorners() throws {
    try expect(try crop([0, 0, 1, 1], [3, 4]), near: (0..<12).map(Float.init), [1, 1, 3, 4])
    // Rows 0 and 2, columns 0.75 and 2.25; then the middle of both.
    try expect(try crop([0, 0.25, 1, 0.75], [2, 2]), near: [0.75, 2.25, 8.75, 10.25], [1, 1, 2, 2])
    try expect(try crop([0, 0.25, 1, 0.75], [1, 1]), near: [5.5], [1, 1, 1, 1])
    try expect(try crop([1, 1, 0, 0], [3, 4]), near: (0..<12).map { 11 - Float($0) }, [1, 1, 3, 4])
    try expect(try crop([0, 0, 0.6, 0.6], [2, 2], ["mode": .string("nearest")]), near: [0, 2, 4, 6], [1, 1, 2, 2])
  }

  @Test func outsideTheImage() throws {
    let y = try crop([-0.5, 0, 0.5, 1], [3, 2], ["extrapolation_value": .float(-7)])
    try expect(y, near: [-7, -7, 0, 3, 4, 7], [1, 1, 3, 2])
  }

  @Test func operandsAreChecked() throws {
    #expect(throws: PinionError.self) { try crop([0, 0, 1, 1], [2, 2], image: 1) }
    #expect(throws: PinionError.self) { try crop([0, 0, 1, 1], [2, 0]) }
    #expect(throws: PinionError.self) { try crop([0, 0, 1, 1], [2]) }
    #expect(throws: PinionError.self) { try crop([0, 0, 1, 1], [2, 2], ["mode": .string("cubic")]) }
  }
}
