import PinionBase

/// Sorts candidates by ascending keys; those with equal keys keep their order.
///
/// - Parameters:
///   - entries: the candidates; like `room`, afterwards without a meaning unless returned.
///   - room: memory for as many.
///   - tables: memory for `radixTableCount` numbers.
/// - Returns: `entries` or `room`, whichever holds the result.
/// - Throws: what the run's limits say, which are asked every millisecond or so.
func radixSort(
  _ entries: UnsafeMutablePointer<Candidate>, _ room: UnsafeMutablePointer<Candidate>, _ tables: UnsafeMutablePointer<Int>, count: Int,
  _ control: RunControl
) throws(PinionError) -> UnsafeMutablePointer<Candidate> {
  let values = 256, chunk = 1 << 16
  let sizes = tables
  sizes.update(repeating: 0, count: 8 &* values)
  for first in stride(from: 0, to: count, by: chunk) {
    try control.check()
    for index in first..<min(first &+ chunk, count) {
      let key = orderedBits(entries[index].key)
      for digit in 0..<8 { sizes[digit &* values &+ Int(key >> UInt64(digit &* 8) & 255)] &+= 1 }
    }
  }
  var (from, to) = (entries, room)
  for digit in 0..<8 {
    let places = sizes + digit &* values
    var start = 0, isShared = false
    for value in 0..<values {
      let size = places[value]
      // A digit that all have in common moves nothing.
      isShared = isShared || size == count
      places[value] = start
      start &+= size
    }
    if isShared { continue }
    for first in stride(from: 0, to: count, by: chunk) {
      try control.check()
      for index in first..<min(first &+ chunk, count) {
        let entry = from[index], value = Int(orderedBits(entry.key) >> UInt64(digit &* 8) & 255)
        to[places[value]] = entry
        places[value] &+= 1
      }
    }
    (from, to) = (to, from)
  }
  return from
}

/// How many numbers `radixSort` needs besides the candidates.
let radixTableCount = 8 * 256

@inline(__always)
private func orderedBits(_ key: Int64) -> UInt64 { UInt64(bitPattern: key) ^ 1 << 63 }
