import PinionBase

/// Finds where a number stands in a list of keys: a table of two to four times as many places, searched from where a product puts the key.
struct NumberTable: Sendable {
  private let keys: [UInt64]
  /// -1 where nothing is.
  private let places: [Int32]
  private let shift: UInt64

  /// Of equal keys the last counts.
  ///
  /// Nil where keys crowd so much, as only keys chosen for it do, that searching would take long, and for billions of keys.
  init?(_ list: [UInt64], _ poll: inout Poll) throws(PinionError) {
    guard list.count < Int(Int32.max) / 4 else { return nil }
    var bits = 3
    while 1 << bits < list.count &* 2 { bits += 1 }
    var keys = [UInt64](repeating: 0, count: 1 << bits)
    var places = [Int32](repeating: -1, count: 1 << bits)
    shift = UInt64(64 - bits)
    for (index, key) in list.enumerated() {
      try poll.count(8)
      var slot = Int(truncatingIfNeeded: (key &* NumberTable.spread) >> shift)
      var steps = 0
      while places[slot] >= 0, keys[slot] != key {
        slot = (slot &+ 1) & (keys.count &- 1)
        steps += 1
        guard steps <= 64 else { return nil }
      }
      keys[slot] = key
      places[slot] = Int32(index)
    }
    self.keys = keys
    self.places = places
  }

  // The golden ratio as a fraction of 2^64: numbers near to each other come to lie far apart.
  private static let spread: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// Calls `body` with what finds the place of a key, or -1.
  @inline(__always) func searching(_ body: ((UInt64) -> Int) -> Void) {
    let shift = shift
    keys.withUnsafeBufferPointer { keys in
      places.withUnsafeBufferPointer { places in
        let mask = keys.count &- 1
        body { key in
          var slot = Int(truncatingIfNeeded: (key &* NumberTable.spread) >> shift)
          while places[slot] >= 0 {
            if keys[slot] == key { return Int(places[slot]) }
            slot = (slot &+ 1) & mask
          }
          return -1
        }
      }
    }
  }
}

/// A number that may be a key; equal keys have equal bits.
protocol NumberKey: BitwiseCopyable, SendableMetatype {
  var keyBits: UInt64 { get }
}

extension NumberKey where Self: BinaryInteger {
  var keyBits: UInt64 { UInt64(truncatingIfNeeded: self) }
}

extension NumberKey where Self: BinaryFloatingPoint {
  // One NaN for all, and one zero.
  var keyBits: UInt64 { isNaN ? Double.nan.bitPattern : self == 0 ? 0 : Double(self).bitPattern }
}

extension Int64: NumberKey {}
extension Int32: NumberKey {}
extension Int16: NumberKey {}
extension Float: NumberKey {}
extension Double: NumberKey {}
