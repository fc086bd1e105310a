import PinionGraph
import PinionTensor

/// Numbers for extents that are not known but are the same wherever they occur: those that a model names, and those that follow from
/// them in the same way. They lie far below zero, where no extent, axis or index lies.
final class Symbols {
  private enum Key: Hashable {
    case name(String)
    /// An extent under a sliding window: the extent, then the window's numbers.
    case window([Int])
    /// A number times other extents, which are in order.
    case product(Int, [Int])
    /// The smaller of two extents.
    case minimum(Int, Int)
  }

  private static let first = Int.min + (1 << 32)
  private static let last = first + (1 << 32)
  private var numbers: [Key: Int] = [:]
  private var bounds: [Int: (Int, Int)] = [:]
  private var products: [Int: (number: Int, symbols: [Int])] = [:]

  static func isSymbol(_ extent: Int) -> Bool { extent >= first && extent < last }
  static func isSymbol(_ value: Int64) -> Bool { isSymbol(Int(value)) }

  private func number(_ key: Key) -> Int {
    let next = Symbols.first &+ numbers.count
    return numbers[key] ?? {
      numbers[key] = next
      return next
    }()
  }

  /// The extent that a declaration gives; nil where it says nothing.
  func extent(_ dimension: Dimension) -> Int? {
    switch dimension {
    case .known(let extent): extent >= 0 ? extent : nil
    case .symbol(let name): name.isEmpty ? nil : number(.name(name))
    case .unknown: nil
    }
  }

  /// How many places a window takes over `extent` elements.
  /// - Parameters:
  ///   - reach: the elements from a window's first to its last one, both counted.
  ///   - padding: elements added on both sides together.
  func windows(over extent: Int?, reach: Int, stride: Int, padding: Int) -> Int? {
    guard let extent, reach > 0, stride > 0, padding >= 0, max(reach, stride, padding) < 1 << 32 else { return nil }
    if stride == 1, padding == reach - 1 { return extent }
    guard Symbols.isSymbol(extent) else {
      let room = extent &+ padding &- reach
      return room < 0 ? nil : room / stride &+ 1
    }
    return number(.window([extent, reach, stride, padding]))
  }

  /// The extents multiplied: a number and symbols, those that stand for products taken apart. Nil where one is not known or 0.
  private func product(_ extents: [Int?]) -> (number: Int, symbols: [Int])? {
    var number = 1
    var symbols: [Int] = []
    for extent in extents {
      guard let extent, extent != 0 else { return nil }
      let part = products[extent] ?? (Symbols.isSymbol(extent) ? (1, [extent]) : (extent, []))
      let (value, overflow) = number.multipliedReportingOverflow(by: part.number)
      guard !overflow, value > 0, value < 1 << 46 else { return nil }
      number = value
      symbols += part.symbols
    }
    return (number, symbols.sorted())
  }

  /// The extent that is left when `extents` are to hold as many elements as `all`.
  func rest(of all: [Int?], without extents: [Int?]) -> Int? {
    guard let whole = product(all), let part = product(extents), whole.number % part.number == 0 else { return nil }
    var symbols = whole.symbols
    for symbol in part.symbols {
      guard let index = symbols.firstIndex(of: symbol) else { return nil }
      symbols.remove(at: index)
    }
    let factor = whole.number / part.number
    switch (factor, symbols.count) {
    case (_, 0): return factor
    case (1, 1): return symbols[0]
    default:
      let symbol = number(.product(factor, symbols))
      products[symbol] = (factor, symbols)
      return symbol
    }
  }

  /// The smaller of two extents.
  func minimum(_ a: Int, _ b: Int) -> Int? {
    if a == b || (a >= 0 && b >= 0) { return min(a, b) }
    let symbol = number(.minimum(min(a, b), max(a, b)))
    bounds[symbol] = (a, b)
    return symbol
  }

  /// Whether `extent` is the smaller of `other` and something else. Where such extents are broadcast together, the result is `other`.
  func isMinimum(_ extent: Int, of other: Int) -> Bool { bounds[extent].map { $0.0 == other || $0.1 == other } ?? false }
}
