/// A table of which versions share what they have in common: a base that is not written to any more, and what a version has in the place of
/// some of the base's elements. A version costs a copy of small numbers and what is its own, however large the elements of the base are.
struct SharedTable<Element: Sendable>: Sendable {
  private var base: [Element]
  /// For each element its place in `own`, or -1; empty where nothing is.
  private var places: [Int32] = []
  private var own: [Element] = []
  /// For each of `own` which element it is.
  private var ownIndices: [Int32] = []
  /// Whether what is written goes beside the base.
  private var isShared = false

  init(_ elements: [Element] = []) { base = elements }

  var count: Int { base.count }
  /// About as many bytes as it takes; a base that other versions share counts for each of them.
  var bytes: Int {
    (base.count &+ own.count) &* MemoryLayout<Element>.stride &+ (places.count &+ ownIndices.count) &* MemoryLayout<Int32>.stride
  }
  var indices: Range<Int> { base.indices }

  subscript(index: Int) -> Element {
    get {
      guard !places.isEmpty, places[index] >= 0 else { return base[index] }
      return own[Int(places[index])]
    }
    set {
      guard isShared else {
        base[index] = newValue
        return
      }
      if places.isEmpty { places = [Int32](repeating: -1, count: base.count) }
      if places[index] >= 0 {
        own[Int(places[index])] = newValue
      } else {
        places[index] = Int32(truncatingIfNeeded: own.count)
        own.append(newValue)
        ownIndices.append(Int32(truncatingIfNeeded: index))
      }
    }
  }

  /// Adds an element to a table that shares nothing yet.
  mutating func append(_ element: Element) {
    if isShared { makeOwn() }
    base.append(element)
  }

  mutating func reserveCapacity(_ capacity: Int) { base.reserveCapacity(capacity) }

  /// From here on other versions may share the base. A version with little in common with it gets one of its own.
  mutating func share() {
    if own.count > base.count / 2 { makeOwn() }
    isShared = true
  }

  /// Shares nothing any more, for a version most of which will be written.
  mutating func makeOwn() {
    for (place, index) in ownIndices.enumerated() { base[Int(index)] = own[place] }
    (places, own, ownIndices) = ([], [], [])
    isShared = false
  }

  /// Whether all that is not in `ownElements` is the same in both.
  func sharesBase(with other: SharedTable) -> Bool {
    base.withUnsafeBufferPointer { mine in
      other.base.withUnsafeBufferPointer { mine.baseAddress == $0.baseAddress && mine.count == $0.count && isShared && other.isShared }
    }
  }

  /// Calls `body` with each element that is not the base's.
  func forEachOwn(_ body: (_ index: Int, _ element: Element) -> Void) {
    for (place, index) in ownIndices.enumerated() { body(Int(index), own[place]) }
  }

  /// An element of the base.
  func shared(at index: Int) -> Element { base[index] }

  /// Whether `condition` holds for the indices of all elements in which the tables may differ, which have as many.
  func differences(from other: SharedTable, allSatisfy condition: (Int) throws -> Bool) rethrows -> Bool {
    guard sharesBase(with: other) else { return try indices.allSatisfy(condition) }
    for index in ownIndices { guard try condition(Int(index)) else { return false } }
    for index in other.ownIndices where places.isEmpty || places[Int(index)] < 0 {
      guard try condition(Int(index)) else { return false }
    }
    return true
  }
}
