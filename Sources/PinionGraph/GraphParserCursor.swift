import PinionBase

/// A position in graph text: skips blanks and comments, reads the smallest pieces, and says where it is in errors.
struct GraphCursor {
  private let bytes: [UInt8]
  private(set) var position = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  func error(_ message: String, at position: Int? = nil) -> PinionError {
    var line = 1, column = 1
    for byte in bytes.prefix(position ?? self.position) {
      if byte == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else {
        column += 1
      }
    }
    return .invalidModel("graph text, line \(line), column \(column): \(message)")
  }

  /// The next byte that is neither blank nor part of a comment, not consumed.
  mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\t"), UInt8(ascii: "\r"): position += 1
      case UInt8(ascii: "/") where position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "/"):
        while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
      default: return bytes[position]
      }
    }
    return nil
  }

  mutating func accept(_ sign: Unicode.Scalar) -> Bool {
    guard let next = peek(), next == UInt8(truncatingIfNeeded: sign.value) else { return false }
    position += 1
    return true
  }

  mutating func accept(sequence: StaticString) -> Bool {
    guard peek() != nil, sequence.withUTF8Buffer({ bytes[position...].starts(with: $0) }) else { return false }
    position += sequence.utf8CodeUnitCount
    return true
  }

  mutating func expect(_ sign: Unicode.Scalar) throws(PinionError) {
    guard accept(sign) else { throw error("expected '\(sign)', found \(found())") }
  }

  mutating func expectEnd() throws(PinionError) {
    guard peek() == nil else { throw error("expected the end, found \(found())") }
  }

  /// What stands here, for an error message.
  mutating func found() -> String {
    guard let next = peek() else { return "the end" }
    let end = bytes[position...].prefix(20).firstIndex { !isNameByte($0) } ?? min(position + 20, bytes.count)
    return end > position ? "'\(String(decoding: bytes[position..<end], as: UTF8.self))'" : "'\(Unicode.Scalar(next))'"
  }

  /// The bytes from here on that satisfy `condition`; blanks are not skipped.
  mutating func take(while condition: (UInt8) -> Bool) -> String {
    let start = position
    while position < bytes.count, condition(bytes[position]) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// The next byte, blanks not skipped.
  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// Goes back to an earlier position.
  mutating func rewind(to earlier: Int) { position = min(max(earlier, 0), position) }

  mutating func skip() { position = min(position + 1, bytes.count) }

  /// A word, without quotes; nil if something else stands here.
  mutating func plainWord() -> String? {
    guard let first = peek(), isWordByte(first), first > UInt8(ascii: "9") else { return nil }
    return take(while: isWordByte)
  }

  /// Consumes `keyword` if that word stands here.
  mutating func accept(word keyword: String) -> Bool {
    let start = position
    if plainWord() == keyword { return true }
    position = start
    return false
  }

  /// A word or a quoted one.
  mutating func word(_ what: String) throws(PinionError) -> String {
    if let word = plainWord() { return word }
    guard peek() == UInt8(ascii: "\"") else { throw error("expected \(what), found \(found())") }
    return try string()
  }

  mutating func string() throws(PinionError) -> String { String(decoding: try stringBytes(), as: UTF8.self) }

  mutating func stringBytes() throws(PinionError) -> [UInt8] {
    guard peek() == UInt8(ascii: "\"") else { throw error("expected a string, found \(found())") }
    let start = position
    skip()
    var result: [UInt8] = []
    while let byte = next {
      skip()
      switch byte {
      case UInt8(ascii: "\""): return result
      case UInt8(ascii: "\\"): result.append(try escape())
      default: result.append(byte)
      }
    }
    throw error("the string has no end", at: start)
  }

  private mutating func escape() throws(PinionError) -> UInt8 {
    let sign = next
    skip()
    switch sign {
    case UInt8(ascii: "\"")?, UInt8(ascii: "\\")?: return sign ?? 0
    case UInt8(ascii: "n")?: return UInt8(ascii: "\n")
    case UInt8(ascii: "x")?:
      guard position + 2 <= bytes.count,
        let byte = UInt8(String(decoding: bytes[position..<(position + 2)], as: UTF8.self), radix: 16)
      else { throw error("expected two hexadecimal digits") }
      position += 2
      return byte
    default: throw error("unknown escape; expected \\\" \\\\ \\n or \\xHH", at: position - 2)
    }
  }

  /// A number or `true`, `false`, `nan`, `inf` as it stands in the text.
  mutating func number() throws(PinionError) -> String {
    guard peek() != nil else { throw error("expected a number, found the end") }
    let text = take { isWordByte($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
    guard !text.isEmpty else { throw error("expected a number, found \(found())") }
    return text
  }

  mutating func integer<T: FixedWidthInteger>(_ what: String, as: T.Type = T.self) throws(PinionError) -> T {
    _ = peek()
    let start = position
    let text = try number()
    guard let value = T(text) else { throw error("expected \(what), found '\(text)'", at: start) }
    return value
  }
}
