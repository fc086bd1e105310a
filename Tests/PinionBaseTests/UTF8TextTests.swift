import PinionBase
import Testing

/// Text is what the standard library's validation says of the same bytes.
@Suite struct UTF8TextTests {
  private func text(_ bytes: [UInt8]) -> String? { bytes.withUnsafeBytes { String(utf8: $0) } }

  @Test func isWhatValidationGives() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0..<128, using: &random) }
      // Now and then a piece that is not ASCII, whole or cut off, at any place.
      if Int.random(in: 0..<3, using: &random) == 0 {
        let piece = Array("é€😀".utf8).prefix(Int.random(in: 1...9, using: &random))
        bytes.insert(contentsOf: piece, at: Int.random(in: 0...bytes.count, using: &random))
      }
      #expect(text(bytes) == String(validating: bytes, as: UTF8.self), "\(bytes)")
    }
  }

  @Test func takesEveryByte() {
    for byte in UInt8.min...UInt8.max {
      for count in 0..<18 {
        let bytes = [UInt8](repeating: 97, count: count) + [byte]
        #expect(text(bytes) == String(validating: bytes, as: UTF8.self), "\(bytes)")
      }
    }
  }
}
