import PinionGraph
import PinionTensor
import Testing

@Suite struct ConvTransposeTests {
  @Test func everyInputAddsItsWindow() throws {
    let attributes: [String: AttributeValue] = ["strides": .ints([2]), "output_padding": .ints([1])]
    let expected: [Double] = [1, 2, 3 + 2, 4, 6, 0]
    let x: [Float] = [1, 2], w: [Float] = [1, 2, 3]
    try expect(
      try evaluate("ConvTranspose", attributes: attributes, [try tensor(x, [1, 1, 2]), try tensor(w, [1, 1, 3])]), expected.map(Float.init),
      [1, 1, 6])
    try expect(
      try evaluate(
        "ConvTranspose", attributes: attributes, [try tensor(x.map(Double.init), [1, 1, 2]), try tensor(w.map(Double.init), [1, 1, 3])]),
      expected, [1, 1, 6])
  }

  @Test func groupsAndBias() throws {
    let y = try evaluate(
      "ConvTranspose", attributes: ["group": .int(2)],
      [try tensor([1, 2] as [Float], [1, 2, 1]), try tensor([3, 4, 5, 6] as [Float], [2, 2, 1]), try tensor([10, 20, 30, 40] as [Float], [4])],
      constants: [1])
    try expect(y, [13, 24, 40, 52] as [Float], [1, 4, 1])
  }

  @Test func outputShapeDecidesPads() throws {
    // 5 elements come out, 3 are wanted: one pad on either side.
    let y = try evaluate(
      "ConvTranspose", attributes: ["output_shape": .ints([3])],
      [try tensor([1, 1, 1] as [Float], [1, 1, 3]), try tensor([1, 1, 1] as [Float], [1, 1, 3])])
    try expect(y, [2, 3, 2] as [Float], [1, 1, 3])
  }

  @Test func padsBeyondTheResult() throws {
    #expect(throws: (any Error).self) {
      try evaluate(
        "ConvTranspose", attributes: ["pads": .ints([2, 2])], [try tensor([1] as [Float], [1, 1, 1]), try tensor([1, 2] as [Float], [1, 1, 2])])
    }
  }
}
