/// A small random source (SplitMix64): the same seed gives the same mutated node on every machine.
struct Choice {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678_9abc_def1 }

  mutating func bits() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  /// A number from 0 up to `limit`, which is positive.
  mutating func below(_ limit: Int) -> Int { Int(truncatingIfNeeded: bits() % UInt64(truncatingIfNeeded: max(limit, 1))) }

  mutating func chance(_ part: Int, of whole: Int) -> Bool { below(whole) < part }

  /// One of `elements`, which are not empty.
  mutating func one<T>(of elements: [T]) -> T { elements[below(elements.count)] }
}
