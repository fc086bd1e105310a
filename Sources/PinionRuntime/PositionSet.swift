/// Numbers from 0 up to a limit, taken out in order.
struct PositionSet: Sendable {
  private var words: [UInt]

  /// - Parameter limit: behind the largest number.
  init(limit: Int) { words = [UInt](repeating: 0, count: (limit &+ UInt.bitWidth &- 1) / UInt.bitWidth) }

  mutating func insert(_ number: Int) { words[number / UInt.bitWidth] |= 1 << UInt(number % UInt.bitWidth) }

  mutating func remove(_ number: Int) { words[number / UInt.bitWidth] &= ~(1 << UInt(number % UInt.bitWidth)) }

  /// The smallest number that is there and not below `start`.
  func first(from start: Int) -> Int? {
    var index = start / UInt.bitWidth
    guard index < words.count else { return nil }
    var word = words[index] & (UInt.max << UInt(start % UInt.bitWidth))
    while word == 0 {
      index &+= 1
      guard index < words.count else { return nil }
      word = words[index]
    }
    return index &* UInt.bitWidth &+ word.trailingZeroBitCount
  }
}
