import PinionTensor

/// Places of keys that the caller keeps, found by their hashes: the first key that is added has place 0.
///
/// Hashes begin with a random number, so that no file can choose keys that crowd.
struct PlaceTable: Sendable {
  private let seed = UInt64.random(in: 0...UInt64.max)
  private var hashes: [UInt64] = []
  /// Places by the upper bits of their hashes, -1 where nothing is; at most half of them are taken.
  private var slots: [Int32]
  private var shift: UInt64

  /// - Parameter capacity: keys that can be added before the table grows, fewer than 2^30.
  init(capacity: Int) {
    var bits = 4
    while bits < 31, 1 << bits < capacity &* 2 { bits += 1 }
    slots = [Int32](repeating: -1, count: 1 << bits)
    shift = UInt64(64 &- bits)
    hashes.reserveCapacity(capacity)
  }

  var count: Int { hashes.count }

  @inline(__always) func hash(_ key: UInt64) -> UInt64 { PlaceTable.mix(seed, key) }

  @inline(__always) func hash(_ text: StringElement) -> UInt64 {
    let bytes = UnsafeRawBufferPointer(text.bytes)
    var result = PlaceTable.mix(seed, UInt64(truncatingIfNeeded: bytes.count)), index = 0
    while bytes.count &- index >= 8 {
      result = PlaceTable.mix(result, bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      index &+= 8
    }
    var rest: UInt64 = 0
    while index < bytes.count {
      rest = rest &<< 8 | UInt64(bytes[index])
      index &+= 1
    }
    return PlaceTable.mix(result, rest)
  }

  @inline(__always) private static func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
    // Odd numbers without a pattern; the halves of a product of 128 bits depend on all bits of both.
    let product = (state ^ word ^ 0xA076_1D64_78BD_642F).multipliedFullWidth(by: 0xE703_7ED1_A0B4_28DB)
    return product.high ^ product.low ^ state &<< 17
  }

  /// The place of the key with this hash that `isKey` knows, or -1.
  @inline(__always) func place(_ hash: UInt64, _ isKey: (Int) -> Bool) -> Int32 {
    var slot = Int(truncatingIfNeeded: hash &>> shift)
    while true {
      let place = slots[slot]
      if place < 0 || hashes[Int(place)] == hash && isKey(Int(place)) { return place }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
  }

  /// Adds a key that is not there and gives its place.
  mutating func add(_ hash: UInt64) -> Int {
    let place = hashes.count
    hashes.append(hash)
    if hashes.count &* 2 > slots.count {
      shift &-= 1
      slots = [Int32](repeating: -1, count: slots.count &* 2)
      for place in hashes.indices { put(place) }
    } else {
      put(place)
    }
    return place
  }

  private mutating func put(_ place: Int) {
    var slot = Int(truncatingIfNeeded: hashes[place] &>> shift)
    while slots[slot] >= 0 { slot = (slot &+ 1) & (slots.count &- 1) }
    slots[slot] = Int32(truncatingIfNeeded: place)
  }
}
