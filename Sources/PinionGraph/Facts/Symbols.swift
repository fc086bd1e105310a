import PinionTensor

/// Numbers for extents that are not known but are the same wherever they occur: those that a model names, and those that follow from
/// them in the same way. They lie far below zero, where no extent, axis or index lies. What they stand for is never negative.
public final class Symbols {
  private enum Key: Hashable {
    case name(String)
    /// How many places a window takes: the extent, then the window's numbers.
    case window([Int])
    /// A number times other extents, which are in order.
    case product(Int, [Int])
    /// A number and other extents, which are in order.
    case sum(Int, [Int])
    /// An extent divided by a number, rounded down.
    case quotient(Int, Int)
    /// The smaller of two extents.
    case minimum(Int, Int)
    /// What is left of the first extent behind so many elements as the second one says; 0 where there are fewer.
    case remainder(Int, Int)
  }

  /// A number and symbols that belong together, as factors or as terms.
  private struct Parts {
    var number: Int
    var symbols: [Int] = []
  }

  private static let first = Int.min + (1 << 32)
  private static let last = first + (1 << 32)
  /// Extents are smaller, as are the numbers in expressions.
  private static let limit = 1 << 46
  /// Longer expressions are not followed.
  private static let partLimit = 16

  private var numbers: [Key: Int] = [:]
  private var keys: [Key] = []
  private var products: [Int: Parts] = [:]
  private var sums: [Int: Parts] = [:]

  public init() {}

  public static func isSymbol(_ extent: Int) -> Bool { extent >= first && extent < last }
  public static func isSymbol(_ value: Int64) -> Bool { isSymbol(Int(value)) }
  /// Whether the value can be an extent: a number that is not negative, or a symbol.
  public static func isExtent(_ value: Int) -> Bool { value >= 0 || isSymbol(value) }

  private func number(_ key: Key) -> Int {
    if let number = numbers[key] { return number }
    let next = Symbols.first &+ keys.count
    numbers[key] = next
    keys.append(key)
    return next
  }

  /// The extent of this name.
  public func named(_ name: String) -> Int { number(.name(name)) }

  /// The name of an extent that `named` gave; nil for others.
  public func name(of extent: Int) -> String? {
    guard Symbols.isSymbol(extent), keys.indices.contains(extent &- Symbols.first), case .name(let name) = keys[extent &- Symbols.first] else {
      return nil
    }
    return name
  }

  /// The extent that a declaration gives; nil where it says nothing.
  public func extent(_ dimension: Dimension) -> Int? {
    switch dimension {
    case .known(let extent): extent >= 0 ? extent : nil
    case .symbol(let name): name.isEmpty ? nil : named(name)
    case .unknown: nil
    }
  }

  // MARK: Products

  /// The extents as one product, those that stand for products taken apart. Nil where one is not known or 0.
  private func factors(_ extents: [Int?]) -> Parts? {
    var result = Parts(number: 1)
    for extent in extents {
      guard let extent, extent != 0 else { return nil }
      let part = products[extent] ?? (Symbols.isSymbol(extent) ? Parts(number: 1, symbols: [extent]) : Parts(number: extent))
      let (value, overflow) = result.number.multipliedReportingOverflow(by: part.number)
      guard !overflow, value > 0, value < Symbols.limit else { return nil }
      result.number = value
      result.symbols += part.symbols
    }
    guard result.symbols.count <= Symbols.partLimit else { return nil }
    result.symbols.sort()
    return result
  }

  private func product(_ parts: Parts) -> Int {
    if parts.symbols.isEmpty { return parts.number }
    if parts.number == 1, parts.symbols.count == 1 { return parts.symbols[0] }
    let symbol = number(.product(parts.number, parts.symbols))
    products[symbol] = parts
    return symbol
  }

  /// The extents multiplied.
  public func product(of extents: [Int?]) -> Int? {
    extents.contains(0) ? 0 : factors(extents).map(product)
  }

  /// The extent that is left when `extents` are to hold as many elements as `all`, for extents that are not 0.
  public func rest(of all: [Int?], without extents: [Int?]) -> Int? {
    guard let whole = factors(all), let part = factors(extents), whole.number % part.number == 0 else { return nil }
    var symbols = whole.symbols
    for symbol in part.symbols {
      guard let index = symbols.firstIndex(of: symbol) else { return nil }
      symbols.remove(at: index)
    }
    return product(Parts(number: whole.number / part.number, symbols: symbols))
  }

  /// The extent divided by a positive number, rounded down.
  public func quotient(_ extent: Int?, by divisor: Int) -> Int? {
    guard let extent, divisor > 0, divisor < Symbols.limit else { return nil }
    guard Symbols.isSymbol(extent) else { return extent / divisor }
    if divisor == 1 { return extent }
    if let parts = factors([extent]), parts.number % divisor == 0 {
      return product(Parts(number: parts.number / divisor, symbols: parts.symbols))
    }
    return number(.quotient(extent, divisor))
  }

  /// The extent divided by a positive number, rounded up.
  public func quotient(_ extent: Int?, roundedUpBy divisor: Int) -> Int? {
    guard let extent, divisor > 0, divisor < Symbols.limit else { return nil }
    if let parts = factors([extent]), parts.number % divisor == 0 { return quotient(extent, by: divisor) }
    return quotient(sum(of: [extent, divisor - 1]), by: divisor)
  }

  // MARK: Sums

  /// The extents as one sum: its number, and how often which product of symbols comes in it.
  private func terms(_ extents: [Int]) -> (number: Int, counts: [[Int]: Int])? {
    var number = 0
    var counts: [[Int]: Int] = [:]
    for extent in extents {
      let part = sums[extent] ?? (Symbols.isSymbol(extent) ? Parts(number: 0, symbols: [extent]) : Parts(number: extent))
      guard part.number >= 0, part.number < Symbols.limit else { return nil }
      number &+= part.number
      for symbol in part.symbols {
        let factor = products[symbol] ?? Parts(number: 1, symbols: [symbol])
        counts[factor.symbols, default: 0] &+= factor.number
      }
    }
    return number < Symbols.limit && counts.count <= Symbols.partLimit ? (number, counts) : nil
  }

  private func sum(_ number: Int, _ counts: [[Int]: Int]) -> Int? {
    var symbols: [Int] = []
    for (factors, count) in counts where count > 0 {
      guard count < Symbols.limit else { return nil }
      symbols.append(product(Parts(number: count, symbols: factors)))
    }
    if symbols.isEmpty { return number }
    if number == 0, symbols.count == 1 { return symbols[0] }
    symbols.sort()
    let symbol = self.number(.sum(number, symbols))
    sums[symbol] = Parts(number: number, symbols: symbols)
    return symbol
  }

  /// The extents added up.
  public func sum(of extents: [Int?]) -> Int? {
    let known = extents.compactMap { $0 }
    guard known.count == extents.count, let (number, counts) = terms(known) else { return nil }
    return sum(number, counts)
  }

  /// The first extent less the second one, where that is a sum again.
  public func difference(_ extent: Int?, _ other: Int?) -> Int? {
    guard let extent, let other, var (number, counts) = terms([extent]), let (less, gone) = terms([other]), number >= less else {
      return nil
    }
    number &-= less
    for (factors, count) in gone {
      guard let all = counts[factors], all >= count else { return nil }
      counts[factors] = all &- count
    }
    return sum(number, counts)
  }

  /// The extent with so many elements more, or less where `count` is negative.
  public func extent(_ extent: Int?, plus count: Int) -> Int? {
    guard count > -Symbols.limit, count < Symbols.limit else { return nil }
    return count < 0 ? difference(extent, -count) : sum(of: [extent, count])
  }

  /// What is left of an extent behind its first elements, 0 where it has fewer.
  public func remainder(_ extent: Int?, behind count: Int?) -> Int? {
    guard let extent, let count else { return nil }
    if !Symbols.isSymbol(extent), !Symbols.isSymbol(count) { return max(extent &- count, 0) }
    if extent == 0 || count == 0 { return extent }
    return difference(extent, count) ?? number(.remainder(extent, count))
  }

  // MARK: Windows and bounds

  /// How many places a window takes over `extent` elements.
  /// - Parameters:
  ///   - reach: the elements from a window's first to its last one, both counted.
  ///   - padding: elements added on both sides together.
  public func windows(over extent: Int?, reach: Int, stride: Int, padding: Int) -> Int? {
    guard let extent, reach > 0, stride > 0, padding >= 0, max(reach, stride, padding) < 1 << 32 else { return nil }
    if stride == 1, padding == reach - 1 { return extent }
    guard Symbols.isSymbol(extent) else {
      let room = extent &+ padding &- reach
      return room < 0 ? nil : room / stride &+ 1
    }
    return number(.window([extent, reach, stride, padding]))
  }

  /// The smaller of two extents.
  public func minimum(_ a: Int?, _ b: Int?) -> Int? {
    if a == 0 || b == 0 { return 0 }
    guard let a, let b else { return nil }
    if a == b || (a >= 0 && b >= 0) { return min(a, b) }
    return number(.minimum(min(a, b), max(a, b)))
  }

  /// Whether `extent` is the smaller of `other` and a number that is not 0. Where such extents are broadcast together, the result
  /// is `other`.
  public func isMinimum(_ extent: Int, of other: Int) -> Bool {
    guard Symbols.isSymbol(extent), case .minimum(let a, let b) = keys[extent &- Symbols.first] else { return false }
    return (a == other && b > 0) || (b == other && a > 0)
  }

  /// The number that an extent is where names stand for these numbers; nil where there is none.
  public func number(_ extent: Int, where names: [String: Int]) -> Int? {
    guard Symbols.isSymbol(extent) else { return extent }
    func values(_ extents: [Int]) -> [Int]? {
      let values = extents.compactMap { number($0, where: names) }
      return values.count == extents.count ? values : nil
    }
    switch keys[extent &- Symbols.first] {
    case .name(let name): return names[name]
    case .window(let parts):
      guard let extent = number(parts[0], where: names) else { return nil }
      return windows(over: extent, reach: parts[1], stride: parts[2], padding: parts[3])
    case .product(let number, let symbols): return values(symbols).map { $0.reduce(number, &*) }
    case .sum(let number, let symbols): return values(symbols).map { $0.reduce(number, &+) }
    case .quotient(let extent, let divisor): return number(extent, where: names).map { $0 / divisor }
    case .minimum(let a, let b): return values([a, b]).map { min($0[0], $0[1]) }
    case .remainder(let a, let b): return values([a, b]).map { max($0[0] &- $0[1], 0) }
    }
  }
}
