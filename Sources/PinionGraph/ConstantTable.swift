import PinionTensor

/// The values of a graph that are known before any run, each found by its index.
///
/// They stand in the order in which they came, where the last takes the place of one that goes.
public struct ConstantTable: RandomAccessCollection, Sendable, ExpressibleByDictionaryLiteral {
  public typealias Element = (key: ValueID, value: Tensor)

  private var entries: [Element] = []
  /// By a value's index: the number of its entry, counted from 1; 0 for a value that is none.
  private var places: [Int32] = []

  public init() {}

  public init(dictionaryLiteral elements: (ValueID, Tensor)...) {
    for (value, tensor) in elements { self[value] = tensor }
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { entries.count }
  public subscript(position: Int) -> Element { entries[position] }

  public subscript(value: ValueID) -> Tensor? {
    get {
      let place = place(of: value)
      return place > 0 ? entries[place - 1].value : nil
    }
    set {
      let place = place(of: value)
      guard let newValue else { return remove(value, at: place) }
      guard place == 0 else { return entries[place - 1].value = newValue }
      if value.index >= places.count { places += [Int32](repeating: 0, count: value.index + 1 - places.count) }
      entries.append((value, newValue))
      places[value.index] = Int32(entries.count)
    }
  }

  public func contains(_ value: ValueID) -> Bool { place(of: value) > 0 }

  /// The values, in the order of the entries.
  public var keys: some RandomAccessCollection<ValueID> { entries.lazy.map(\.key) }
  /// Their contents.
  public var values: some RandomAccessCollection<Tensor> { entries.lazy.map(\.value) }

  public mutating func reserveCapacity(_ count: Int) { entries.reserveCapacity(count) }

  private func place(of value: ValueID) -> Int { value.index < places.count ? Int(places[value.index]) : 0 }

  private mutating func remove(_ value: ValueID, at place: Int) {
    guard place > 0 else { return }
    places[value.index] = 0
    entries.swapAt(place - 1, entries.count - 1)
    entries.removeLast()
    if place <= entries.count { places[entries[place - 1].key.index] = Int32(place) }
  }
}
