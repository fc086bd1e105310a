import PinionBase

/// The dictionary of strings, flags and tuples of integers that a .npy header is.
struct PythonLiteral {
  enum Item: Equatable {
    case text(String)
    case flag(Bool)
    case tuple([Int])
  }

  private var rest: Substring
  private let name: String

  init(_ bytes: UnsafeRawBufferPointer, name: String) {
    rest = Substring(decoding: bytes, as: UTF8.self)
    self.name = name
  }

  mutating func dictionary() throws(PinionError) -> [String: Item] {
    var result: [String: Item] = [:]
    try expect("{")
    while !accept("}") {
      let key = try text()
      try expect(":")
      result[key] = try item()
      if !accept(",") {
        try expect("}")
        break
      }
    }
    return result
  }

  private mutating func item() throws(PinionError) -> Item {
    skipSpace()
    switch rest.first {
    case "'", "\"": return .text(try text())
    case "(": return .tuple(try tuple())
    case "[": throw .unsupported("'\(name)' holds records, which no tensor does")
    default:
      if accept("True") { return .flag(true) }
      if accept("False") { return .flag(false) }
      throw damaged
    }
  }

  private mutating func text() throws(PinionError) -> String {
    skipSpace()
    guard let quote = rest.first, quote == "'" || quote == "\"" else { throw damaged }
    rest.removeFirst()
    guard let end = rest.firstIndex(of: quote) else { throw damaged }
    let text = String(rest[..<end])
    rest = rest[rest.index(after: end)...]
    return text
  }

  private mutating func tuple() throws(PinionError) -> [Int] {
    var result: [Int] = []
    try expect("(")
    while !accept(")") {
      skipSpace()
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      guard let number = Int(digits) else { throw damaged }
      rest = rest[digits.endIndex...]
      result.append(number)
      if !accept(",") {
        try expect(")")
        break
      }
    }
    return result
  }

  private mutating func skipSpace() { rest = rest.drop { $0 == " " || $0 == "\n" || $0 == "\t" } }

  private mutating func accept(_ word: String) -> Bool {
    skipSpace()
    guard rest.hasPrefix(word) else { return false }
    rest.removeFirst(word.count)
    return true
  }

  private mutating func expect(_ word: String) throws(PinionError) {
    guard accept(word) else { throw damaged }
  }

  private var damaged: PinionError { .invalidValue("'\(name)' has a damaged .npy header") }
}
