/// A stream of numbers that a seed decides: SplitMix64, the same on every machine and in every process.
struct RandomNumbers: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    // Seeds that follow each other must not give the same stream at different places, so the seed goes through the mixer first.
    state = seed
    state = next() ^ (seed << 32)
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// From 0 to `count` - 1.
  mutating func below(_ count: Int) -> Int { Int(((next() >> 32) &* UInt64(max(count, 1))) >> 32) }
  mutating func int(_ range: ClosedRange<Int>) -> Int { range.lowerBound + below(range.upperBound - range.lowerBound + 1) }
  mutating func chance(_ probability: Double) -> Bool { unit() < probability }
  /// From 0 to 1, without 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
  mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }

  mutating func shuffled<T>(_ items: [T]) -> [T] {
    var items = items
    for index in items.indices.dropFirst().reversed() { items.swapAt(index, below(index + 1)) }
    return items
  }
}
