import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct QLinearWhereTests {
  private func scalar<T: Element>(_ value: T) throws -> Tensor { try Tensor(scalar: value) }

  @Test func selectedCodesAreInUnitsOfTheResult() throws {
    // X: (code - 10) / 2 as quarters around 100; Y: whole numbers as quarters. 200 quarters and 100 do not fit.
    let inputs: [Tensor?] = [
      try tensor([true, false], [2, 1]), try tensor([10, 13, 255] as [UInt8], [3]), try scalar(Float(0.5)), try scalar(UInt8(10)),
      try tensor([7, 50] as [UInt8], [2, 1]), try scalar(Float(1)), try scalar(UInt8(5)), try scalar(Float(0.25)), try scalar(UInt8(100)),
    ]
    try expect(
      try evaluate("QLinearWhere", domain: "com.microsoft", inputs, constants: [7, 8]), [100, 106, 255, 255, 255, 255] as [UInt8], [2, 3])
  }

  @Test func equalUnitsCopy() throws {
    let scale = try scalar(Float(0.1)), zero = try scalar(Int8(-3))
    let inputs: [Tensor?] = [
      try tensor([true, false], [2]), try tensor([-128, 1] as [Int8], [2]), scale, zero, try tensor([2, 127] as [Int8], [2]), scale, zero, scale, zero,
    ]
    try expect(try evaluate("QLinearWhere", domain: "com.microsoft", inputs), [-128, 127] as [Int8], [2])
  }

  @Test func operandsAreChecked() throws {
    let scale = try scalar(Float(0.1)), zero = try scalar(UInt8(3)), x = try tensor([1, 2] as [UInt8], [2])
    let good: [Tensor?] = [try tensor([true, false], [2]), x, scale, zero, x, scale, zero, scale, zero]
    for (index, wrong) in [(0, x), (1, scale), (2, zero), (3, try scalar(Int8(3))), (4, try tensor([1] as [Int8], [1])), (8, x), (5, x)] {
      var inputs = good
      inputs[index] = wrong
      #expect(throws: PinionError.self) { try evaluate("QLinearWhere", domain: "com.microsoft", inputs) }
    }
  }
}
