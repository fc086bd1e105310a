import Glibc
import PinionBase

/// A name in a file. Importing looks names up many times, and does it by their numbers.
package struct ONNXName: Sendable, CustomStringConvertible {
  package let text: String
  /// The same for the same text in one file, and 0 for the empty text; from 0 on without gaps.
  let number: Int

  package init() { (text, number) = ("", 0) }

  fileprivate init(_ text: String, number: Int) { (self.text, self.number) = (text, number) }

  package var isEmpty: Bool { number == 0 }
  package var description: String { text }
}

/// The names that one file has, each of which is made text once, however often it comes.
///
/// No access to its state calls out, so that none overlaps another; checks of that at run time would be a tenth of a load.
final class ONNXNames {
  @exclusivity(unchecked) private var names = [ONNXName()]
  /// Where each text lies in the file, and its hash.
  @exclusivity(unchecked) private var places = [(bytes: UnsafeRawBufferPointer(start: nil, count: 0), hash: 0)]
  /// The numbers, in the order of their texts' hashes as far as there was room; 0 for an empty place. A power of two of them, at most half of
  /// which are taken.
  @exclusivity(unchecked) private var slots: [Int32] = []

  /// What a name takes besides its text.
  static let recordBytes = MemoryLayout<ONNXName>.stride + MemoryLayout<(UnsafeRawBufferPointer, Int)>.stride + 4 * MemoryLayout<Int32>.stride

  /// How many names there are, the empty one among them.
  var count: Int { names.count }

  /// The name of this text, if it has been added.
  /// - Parameter hash: of the text, by `ONNXNames.hash`.
  func find(_ bytes: UnsafeRawBufferPointer, hash: Int) -> ONNXName? {
    guard !bytes.isEmpty else { return names[0] }
    guard !slots.isEmpty else { return nil }
    var slot = hash & (slots.count - 1)
    while slots[slot] != 0 {
      let number = Int(slots[slot])
      if places[number].hash == hash, places[number].bytes.count == bytes.count, ONNXNames.areEqual(places[number].bytes, bytes) { return names[number] }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Adds a name that is not there.
  /// - Parameter bytes: memory that outlives these names.
  func add(_ text: String, _ bytes: UnsafeRawBufferPointer, hash: Int) -> ONNXName {
    if slots.count < 2 * (names.count + 1) { grow() }
    let name = ONNXName(text, number: names.count)
    names.append(name)
    places.append((bytes, hash))
    place(name.number, hash)
    return name
  }

  private func grow() {
    slots = [Int32](repeating: 0, count: max(slots.count * 2, 64))
    for number in names.indices.dropFirst() { place(number, places[number].hash) }
  }

  private func place(_ number: Int, _ hash: Int) {
    var slot = hash & (slots.count - 1)
    while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = Int32(truncatingIfNeeded: number)
  }

  /// Other in each process, so that no file is made to have names of one hash.
  static func hash(_ bytes: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: bytes)
    return hasher.finalize()
  }

  private static func areEqual(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard let first = a.baseAddress, let second = b.baseAddress else { return a.count == b.count }
    return first == second || memcmp(first, second, a.count) == 0
  }
}

/// Values by names of one file.
struct NamedValues<Value> {
  /// By number, for a graph that may have most of the file's names.
  private var all: [Value?]
  /// For one of many that have few of them each.
  private var some: [Int: Value] = [:]

  /// - Parameter names: how many names the file has; nil where few of them are looked for.
  init(names: Int?) { all = [Value?](repeating: nil, count: names ?? 0) }

  subscript(name: ONNXName) -> Value? {
    get { name.number < all.count ? all[name.number] : some.isEmpty ? nil : some[name.number] }
    set {
      if name.number < all.count { all[name.number] = newValue } else { some[name.number] = newValue }
    }
  }
}
