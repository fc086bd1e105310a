/// A set of Unicode scalars, as a pattern names it.
struct RegexClass: Sendable {
  /// Ranges of scalar values.
  private(set) var ranges: [ClosedRange<UInt32>] = []
  /// Unicode properties, with what a member has to answer.
  private(set) var categories: [(category: RegexCategory, isMember: Bool)] = []
  var isNegated = false
  var ignoresCase = false
  /// Membership of the first 128 scalars, filled by `finish`.
  private var ascii: (UInt64, UInt64) = (0, 0)

  init(_ ranges: [ClosedRange<UInt32>] = [], ignoresCase: Bool = false) {
    self.ranges = ranges
    self.ignoresCase = ignoresCase
  }

  static let digits: [ClosedRange<UInt32>] = [0x30...0x39]
  static let spaces: [ClosedRange<UInt32>] = [0x09...0x0a, 0x0c...0x0d, 0x20...0x20]
  static let word: [ClosedRange<UInt32>] = [0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a]
  static let all: [ClosedRange<UInt32>] = [0...0x10ffff]

  mutating func add(_ range: ClosedRange<UInt32>) { ranges.append(range) }
  mutating func add(_ other: [ClosedRange<UInt32>]) { ranges += other }
  mutating func add(_ category: RegexCategory, isMember: Bool) { categories.append((category, isMember)) }

  /// Adds all scalars outside of `other`.
  mutating func addComplement(_ other: [ClosedRange<UInt32>]) {
    var next: UInt32 = 0
    for range in other.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > next { ranges.append(next...range.lowerBound - 1) }
      next = max(next, range.upperBound &+ 1)
    }
    if next <= 0x10ffff { ranges.append(next...0x10ffff) }
  }

  /// Makes membership quick to ask; to be called once the set is complete.
  mutating func finish() {
    for value in UInt32(0)..<128 where contains(slowly: value) {
      if value < 64 { ascii.0 |= 1 << UInt64(value) } else { ascii.1 |= 1 << UInt64(value - 64) }
    }
  }

  @inline(__always) func contains(_ value: UInt32) -> Bool {
    if value < 64 { return ascii.0 >> UInt64(value) & 1 != 0 }
    if value < 128 { return ascii.1 >> UInt64(value &- 64) & 1 != 0 }
    return contains(slowly: value)
  }

  private func contains(slowly value: UInt32) -> Bool {
    var found = lists(value)
    if !found, ignoresCase, let scalar = Unicode.Scalar(value) {
      let lower = scalar.simpleLowercase, upper = scalar.simpleUppercase
      found = lists(lower.value) || lists(upper.value) || lists(upper.simpleLowercase.value) || lists(lower.simpleUppercase.value)
    }
    return found != isNegated
  }

  private func lists(_ value: UInt32) -> Bool {
    if ranges.contains(where: { $0.contains(value) }) { return true }
    guard !categories.isEmpty, let scalar = Unicode.Scalar(value) else { return false }
    let category = scalar.properties.generalCategory
    return categories.contains { $0.category.contains(category) == $0.isMember }
  }
}

/// A general category of Unicode by its short name: one letter for a group, two for a member of it.
struct RegexCategory: Sendable {
  private let members: Set<Unicode.GeneralCategory>

  private static let byName: [String: Unicode.GeneralCategory] = [
    "Lu": .uppercaseLetter, "Ll": .lowercaseLetter, "Lt": .titlecaseLetter, "Lm": .modifierLetter, "Lo": .otherLetter,
    "Mn": .nonspacingMark, "Mc": .spacingMark, "Me": .enclosingMark, "Nd": .decimalNumber, "Nl": .letterNumber, "No": .otherNumber,
    "Pc": .connectorPunctuation, "Pd": .dashPunctuation, "Ps": .openPunctuation, "Pe": .closePunctuation, "Pi": .initialPunctuation,
    "Pf": .finalPunctuation, "Po": .otherPunctuation, "Sm": .mathSymbol, "Sc": .currencySymbol, "Sk": .modifierSymbol,
    "So": .otherSymbol, "Zs": .spaceSeparator, "Zl": .lineSeparator, "Zp": .paragraphSeparator, "Cc": .control, "Cf": .format,
    "Cs": .surrogate, "Co": .privateUse, "Cn": .unassigned,
  ]

  init?(name: String) {
    members = Set(RegexCategory.byName.filter { $0.key == name || (name.utf8.count == 1 && $0.key.hasPrefix(name)) }.values)
    if members.isEmpty { return nil }
  }

  func contains(_ category: Unicode.GeneralCategory) -> Bool { members.contains(category) }
}

extension Unicode.Scalar {
  /// The lowercase form where it is one scalar, else the scalar itself.
  var simpleLowercase: Unicode.Scalar { Unicode.Scalar.only(properties.lowercaseMapping) ?? self }
  /// The uppercase form where it is one scalar, else the scalar itself.
  var simpleUppercase: Unicode.Scalar { Unicode.Scalar.only(properties.uppercaseMapping) ?? self }

  private static func only(_ text: String) -> Unicode.Scalar? {
    let scalars = text.unicodeScalars
    guard let first = scalars.first, scalars.dropFirst().isEmpty else { return nil }
    return first
  }
}
