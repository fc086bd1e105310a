/// A table of at most so many entries, in which the one longest unused makes room for a new one.
public struct RecentlyUsed<Key: Hashable & Sendable, Element: Sendable>: Sendable {
  private let limit: Int
  private var entries: [Key: (element: Element, lastUse: Int)] = [:]
  private var clock = 0

  public init(limit: Int) { self.limit = Swift.max(limit, 1) }

  public var count: Int { entries.count }
  public var elements: [Element] { entries.values.map(\.element) }

  public mutating func find(_ key: Key) -> Element? {
    guard let element = entries[key]?.element else { return nil }
    clock &+= 1
    entries[key]?.lastUse = clock
    return element
  }

  /// Adds an element; the one that is there already wins.
  /// - Parameter hasRoom: whether one more may be there besides those that are; asked until it is so or none is left.
  /// - Returns: the element that is there afterwards.
  public mutating func insert(_ element: Element, for key: Key, hasRoom: () -> Bool = { true }) -> Element {
    if let first = find(key) { return first }
    while !entries.isEmpty, entries.count >= limit || !hasRoom(), let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key {
      entries[oldest] = nil
    }
    clock &+= 1
    entries[key] = (element, clock)
    return element
  }

  public mutating func removeAll() { entries.removeAll() }
}
