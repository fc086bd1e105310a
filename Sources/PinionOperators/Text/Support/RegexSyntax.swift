import PinionBase

/// A regular expression as a tree.
indirect enum RegexNode: Sendable {
  case empty
  case set(RegexClass)
  case assertion(RegexAssertion)
  case sequence([RegexNode])
  case choice([RegexNode])
  /// `maximum` is nil where there is none.
  case repetition(RegexNode, minimum: Int, maximum: Int?)
}

enum RegexAssertion: Sendable {
  case textStart, textEnd, lineStart, lineEnd, wordBoundary, notWordBoundary
}

/// Reads patterns of RE2's syntax. Which of several matches is preferred does not matter here, so that lazy operators are
/// those without `?`; groups only group.
struct RegexParser {
  private static let depthLimit = 250
  private static let repetitionLimit = 1000

  private struct Flags {
    var ignoresCase = false
    var isMultiline = false
    var dotIsAll = false
  }

  private let pattern: String
  private let text: [Unicode.Scalar]
  private var position = 0
  private var flags = Flags()
  private var depth = 0

  init(_ pattern: String) {
    self.pattern = pattern
    text = Array(pattern.unicodeScalars)
  }

  mutating func parse() throws(PinionError) -> RegexNode {
    let node = try choice()
    guard position == text.count else { throw error("unexpected )") }
    return node
  }

  private func error(_ reason: String) -> PinionError { .invalidModel("pattern '\(pattern)': \(reason)") }
  private var next: Unicode.Scalar? { position < text.count ? text[position] : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    position += 1
    return true
  }

  private func startsWith(_ prefix: String) -> Bool { text[position...].starts(with: prefix.unicodeScalars) }

  private mutating func choice() throws(PinionError) -> RegexNode {
    depth += 1
    defer { depth -= 1 }
    guard depth <= RegexParser.depthLimit else { throw error("nested too deeply") }
    var branches = [try sequence()]
    while take("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence() throws(PinionError) -> RegexNode {
    var items: [RegexNode] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      if startsWith("\\Q") {
        position += 2
        while position < text.count, !startsWith("\\E") {
          items.append(literal(text[position]))
          position += 1
        }
        position = min(position + 2, text.count)
        // A repetition operator behind it is for the last character alone.
        if let last = items.popLast() { items.append(try repeated(last)) }
        continue
      }
      guard let atom = try atom() else { continue }
      items.append(try repeated(atom))
    }
    return items.count == 1 ? items[0] : items.isEmpty ? .empty : .sequence(items)
  }

  private mutating func repeated(_ atom: RegexNode) throws(PinionError) -> RegexNode {
    guard let (minimum, maximum) = try quantifier() else { return atom }
    _ = take("?")
    let start = position
    if try quantifier() != nil {
      position = start
      throw error("bad repetition operator")
    }
    return .repetition(atom, minimum: minimum, maximum: maximum)
  }

  private mutating func quantifier() throws(PinionError) -> (Int, Int?)? {
    if take("*") { return (0, nil) }
    if take("+") { return (1, nil) }
    if take("?") { return (0, 1) }
    let start = position
    guard take("{") else { return nil }
    guard let minimum = number() else {
      position = start
      return nil
    }
    var maximum: Int? = minimum
    if take(",") { maximum = number() }
    guard take("}") else {
      position = start
      return nil
    }
    guard minimum <= RegexParser.repetitionLimit, maximum ?? minimum <= RegexParser.repetitionLimit, minimum <= maximum ?? minimum else {
      throw error("invalid repetition size")
    }
    return (minimum, maximum)
  }

  /// Decimal digits; numbers beyond the limit come back as one more than it.
  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = next, (0x30...0x39).contains(scalar.value) {
      value = min((value ?? 0) * 10 + Int(scalar.value - 0x30), RegexParser.repetitionLimit + 1)
      position += 1
    }
    return value
  }

  private func literal(_ scalar: Unicode.Scalar) -> RegexNode {
    node(RegexClass([scalar.value...scalar.value], ignoresCase: flags.ignoresCase))
  }

  private func node(_ set: RegexClass) -> RegexNode {
    var set = set
    set.finish()
    return .set(set)
  }

  /// One item; nil for one that only sets flags.
  private mutating func atom() throws(PinionError) -> RegexNode? {
    guard let scalar = next else { return .empty }
    switch scalar {
    case "(": return try group()
    case "[": return try bracket()
    case "*", "+", "?": throw error("no argument for repetition operator \(scalar)")
    case "\\": return try escape()
    default: break
    }
    let start = position
    if scalar == "{", try quantifier() != nil { throw error("no argument for repetition operator {") }
    position = start + 1
    switch scalar {
    case ".":
      var set = RegexClass()
      if flags.dotIsAll { set.add(RegexClass.all) } else { set.addComplement([10...10]) }
      return node(set)
    case "^": return .assertion(flags.isMultiline ? .lineStart : .textStart)
    case "$": return .assertion(flags.isMultiline ? .lineEnd : .textEnd)
    default: return literal(scalar)
    }
  }

  private mutating func group() throws(PinionError) -> RegexNode? {
    position += 1
    let outer = flags
    if take("?") {
      if startsWith("P<") || startsWith("<") {
        while let scalar = next, scalar != ">" { position += scalar == ")" ? text.count : 1 }
        guard take(">") else { throw error("invalid named group") }
      } else if try flagList() {
        return nil
      }
    }
    let node = try choice()
    guard take(")") else { throw error("missing )") }
    flags = outer
    return node
  }

  /// Flags after `(?`.
  /// - Returns: whether they are for the rest of the enclosing group and not for one of their own.
  private mutating func flagList() throws(PinionError) -> Bool {
    var isOn = true
    while let scalar = next {
      position += 1
      switch scalar {
      case "i": flags.ignoresCase = isOn
      case "m": flags.isMultiline = isOn
      case "s": flags.dotIsAll = isOn
      case "U": break
      case "-" where isOn: isOn = false
      case ":": return false
      case ")": return true
      default: throw error("invalid perl operator (?\(scalar)")
      }
    }
    throw error("missing )")
  }

  private mutating func bracket() throws(PinionError) -> RegexNode {
    position += 1
    var set = RegexClass(ignoresCase: flags.ignoresCase)
    set.isNegated = take("^")
    var isFirst = true
    while let scalar = next, scalar != "]" || isFirst {
      isFirst = false
      if startsWith("[:") {
        try posixClass(&set)
        continue
      }
      if scalar == "\\", try namedClass(&set) { continue }
      let low = try bracketMember()
      var high = low
      if next == "-", position + 1 < text.count, text[position + 1] != "]" {
        position += 1
        high = try bracketMember()
        guard low <= high else { throw error("invalid character class range") }
      }
      set.add(low...high)
    }
    guard take("]") else { throw error("missing ]") }
    return node(set)
  }

  private mutating func bracketMember() throws(PinionError) -> UInt32 {
    guard let scalar = next else { throw error("missing ]") }
    if scalar == "\\" { return try escapedScalar() }
    position += 1
    return scalar.value
  }

  private mutating func posixClass(_ set: inout RegexClass) throws(PinionError) {
    position += 2
    let isNegated = take("^")
    var name = ""
    while let scalar = next, scalar != ":", scalar != "]" {
      name.unicodeScalars.append(scalar)
      position += 1
    }
    guard startsWith(":]"), let ranges = RegexParser.posix[name] else { throw error("invalid character class [:\(name):]") }
    position += 2
    if isNegated { set.addComplement(ranges) } else { set.add(ranges) }
  }

  private static let posix: [String: [ClosedRange<UInt32>]] = [
    "alnum": [0x30...0x39, 0x41...0x5a, 0x61...0x7a], "alpha": [0x41...0x5a, 0x61...0x7a], "ascii": [0...0x7f],
    "blank": [0x09...0x09, 0x20...0x20], "cntrl": [0...0x1f, 0x7f...0x7f], "digit": [0x30...0x39], "graph": [0x21...0x7e],
    "lower": [0x61...0x7a], "print": [0x20...0x7e], "punct": [0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e],
    "space": [0x09...0x0d, 0x20...0x20], "upper": [0x41...0x5a], "word": RegexClass.word, "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66],
  ]

  /// A class like `\d` or `\p{Lu}` at the current backslash, if there is one.
  private mutating func namedClass(_ set: inout RegexClass) throws(PinionError) -> Bool {
    guard position + 1 < text.count else { throw error("trailing \\") }
    switch text[position + 1] {
    case "d": set.add(RegexClass.digits)
    case "D": set.addComplement(RegexClass.digits)
    case "s": set.add(RegexClass.spaces)
    case "S": set.addComplement(RegexClass.spaces)
    case "w": set.add(RegexClass.word)
    case "W": set.addComplement(RegexClass.word)
    case "p", "P":
      try unicodeClass(&set)
      return true
    default: return false
    }
    position += 2
    return true
  }

  private mutating func unicodeClass(_ set: inout RegexClass) throws(PinionError) {
    var isMember = text[position + 1] == "p"
    position += 2
    var name = ""
    if take("{") {
      if take("^") { isMember.toggle() }
      while let scalar = next, scalar != "}" {
        name.unicodeScalars.append(scalar)
        position += 1
      }
      guard take("}") else { throw error("invalid character class range") }
    } else if let scalar = next {
      name.unicodeScalars.append(scalar)
      position += 1
    }
    if name == "Any" {
      if isMember { set.add(RegexClass.all) }
      return
    }
    guard let category = RegexCategory(name: name) else {
      throw .unsupported("pattern '\(pattern)': Unicode class '\(name)' is not supported, only general categories are")
    }
    set.add(category, isMember: isMember)
  }

  private mutating func escape() throws(PinionError) -> RegexNode? {
    guard position + 1 < text.count else { throw error("trailing \\") }
    let assertion: RegexAssertion? =
      switch text[position + 1] {
      case "A": .textStart
      case "z": .textEnd
      case "b": .wordBoundary
      case "B": .notWordBoundary
      default: nil
      }
    if let assertion {
      position += 2
      return .assertion(assertion)
    }
    if text[position + 1] == "C" {
      position += 2
      return node(RegexClass(RegexClass.all))
    }
    var set = RegexClass(ignoresCase: flags.ignoresCase)
    if try namedClass(&set) { return node(set) }
    let value = try escapedScalar()
    set.add(value...value)
    return node(set)
  }

  /// The scalar that the backslash at the current position stands for.
  private mutating func escapedScalar() throws(PinionError) -> UInt32 {
    position += 1
    guard let scalar = next else { throw error("trailing \\") }
    position += 1
    switch scalar {
    case "n": return 0x0a
    case "t": return 0x09
    case "r": return 0x0d
    case "f": return 0x0c
    case "v": return 0x0b
    case "a": return 0x07
    case "x": return try hexadecimal()
    case "0": return octal(0, digits: 2)
    case "1"..."7":
      // Without more octal digits it would be a backreference.
      guard let digit = next, ("0"..."7").contains(digit) else { throw error("invalid escape sequence \\\(scalar)") }
      return octal(scalar.value - 0x30, digits: 2)
    default:
      let isWord = scalar.value < 128 && RegexClass.word.contains { $0.contains(scalar.value) } && scalar != "_"
      guard scalar.value < 128, !isWord else { throw error("invalid escape sequence \\\(scalar)") }
      return scalar.value
    }
  }

  private mutating func octal(_ start: UInt32, digits: Int) -> UInt32 {
    var value = start
    for _ in 0..<digits {
      guard let digit = next, ("0"..."7").contains(digit) else { break }
      value = value * 8 + digit.value - 0x30
      position += 1
    }
    return value
  }

  private mutating func hexadecimal() throws(PinionError) -> UInt32 {
    let isBraced = take("{")
    var value: UInt32 = 0
    var count = 0
    while let scalar = next, let digit = Character(scalar).hexDigitValue, scalar.isASCII, isBraced || count < 2 {
      value = value &* 16 &+ UInt32(digit)
      count += 1
      position += 1
      guard value <= 0x10ffff else { throw error("invalid escape sequence") }
    }
    guard isBraced ? count > 0 && take("}") : count == 2 else { throw error("invalid escape sequence") }
    return value
  }
}
