import PinionBase
import Testing

@Suite struct CheckedArithmeticTests {
  @Test func productOverflowThrows() {
    #expect(throws: PinionError.self) { try [Int.max, 2].checkedProduct() }
  }
  @Test func productOfNothingIsOne() throws { #expect(try [Int]().checkedProduct() == 1) }
  @Test func alignsUp() throws {
    #expect(try alignedUp(65, to: 64) == 128)
    #expect(throws: PinionError.self) { try alignedUp(Int.max, to: 64) }
  }
}
