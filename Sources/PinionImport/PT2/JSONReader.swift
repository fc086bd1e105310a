import Glibc
import PinionBase

/// Reads a JSON text (RFC 8259) within limits; refuses everything else with the position at which it found it.
package struct JSONReader {
  package static let depthLimit = 128
  package static let valueLimit = 50_000_000

  /// What a value and what is made of it are counted as, its text aside.
  private static let valueBytes = 192

  private let bytes: UnsafeRawBufferPointer
  private let budget: WireBudget
  private var position = 0
  private var valueCount = 0

  private init(_ bytes: UnsafeRawBufferPointer, _ budget: WireBudget) {
    self.bytes = bytes
    self.budget = budget
  }

  package static func read(_ bytes: UnsafeRawBufferPointer) throws(PinionError) -> JSONValue { try read(bytes, WireBudget(WireLimits())) }

  /// - Parameter budget: counts the values, and polls the limits of the load.
  static func read(_ bytes: UnsafeRawBufferPointer, _ budget: WireBudget) throws(PinionError) -> JSONValue {
    var reader = JSONReader(bytes, budget)
    try reader.skipSpace()
    let value = try reader.value(depth: 0)
    try reader.skipSpace()
    guard reader.position == bytes.count else { throw reader.error("expected the end of the text") }
    return value
  }

  static func read(_ text: String, _ budget: WireBudget = WireBudget(WireLimits())) throws(PinionError) -> JSONValue {
    var text = text
    let result: Result<JSONValue, PinionError> = text.withUTF8 { utf8 in
      do throws(PinionError) { return .success(try read(UnsafeRawBufferPointer(utf8), budget)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  private func error(_ what: String) -> PinionError { .invalidModel("JSON, byte \(position): \(what)") }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() throws(PinionError) {
    while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) {
      position += 1
      if position & 0xffff == 0 { try budget.visit(0x4000) }
    }
  }

  private mutating func expect(_ byte: UInt8) throws(PinionError) {
    guard next == byte else { throw error("expected '\(Character(Unicode.Scalar(byte)))'") }
    position += 1
  }

  private mutating func value(depth: Int) throws(PinionError) -> JSONValue {
    guard depth < JSONReader.depthLimit else { throw error("values lie more than \(JSONReader.depthLimit) deep") }
    valueCount += 1
    try budget.take(JSONReader.valueBytes)
    guard valueCount <= JSONReader.valueLimit else { throw error("more than \(JSONReader.valueLimit) values") }
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case nil: throw error("the text ends where a value is expected")
    default: return try number()
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(PinionError) -> JSONValue {
    let count = word.utf8CodeUnitCount
    guard count <= bytes.count - position else { throw error("expected '\(word)'") }
    for index in 0..<count where bytes[position + index] != word.utf8Start[index] { throw error("expected '\(word)'") }
    position += count
    return value
  }

  private mutating func object(depth: Int) throws(PinionError) -> JSONValue {
    position += 1
    var members: [(key: String, value: JSONValue)] = []
    try skipSpace()
    if next == UInt8(ascii: "}") {
      position += 1
      return .object(members)
    }
    while true {
      try skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("expected a member's name") }
      let key = try string()
      try skipSpace()
      try expect(UInt8(ascii: ":"))
      try skipSpace()
      members.append((key, try value(depth: depth + 1)))
      try skipSpace()
      if next == UInt8(ascii: ",") {
        position += 1
        continue
      }
      try expect(UInt8(ascii: "}"))
      return .object(members)
    }
  }

  private mutating func array(depth: Int) throws(PinionError) -> JSONValue {
    position += 1
    var values: [JSONValue] = []
    try skipSpace()
    if next == UInt8(ascii: "]") {
      position += 1
      return .array(values)
    }
    while true {
      try skipSpace()
      values.append(try value(depth: depth + 1))
      try skipSpace()
      if next == UInt8(ascii: ",") {
        position += 1
        continue
      }
      try expect(UInt8(ascii: "]"))
      return .array(values)
    }
  }

  private mutating func number() throws(PinionError) -> JSONValue {
    let start = position
    var isInteger = true
    if next == UInt8(ascii: "-") { position += 1 }
    let first = position
    try digits()
    guard position == first + 1 || bytes[first] != UInt8(ascii: "0") else { throw error("a number begins with 0") }
    if next == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      try digits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      isInteger = false
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    guard position - start <= 1024 else { throw error("a number of \(position - start) digits") }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int64(text) { return .int(value) }
    // The text is a number by what stands above, so that strtod reads all of it; it gives infinity past the type's range.
    return .float(strtod(text, nil))
  }

  private mutating func digits() throws(PinionError) {
    let start = position
    while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
      position += 1
      guard position - start <= 1024 else { throw error("a number of more than 1024 digits") }
    }
    guard position > start else { throw error("expected a value or a digit") }
  }

  private mutating func string() throws(PinionError) -> String {
    position += 1
    let start = position
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
      position += 1
      if position & 0xffff == 0 {
        try budget.take(0x20000)
        try budget.visit(0x4000)
      }
    }
    try budget.take((position - start) & 0xffff)
    if next == UInt8(ascii: "\"") {
      let part = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
      guard let text = String(validating: part, as: UTF8.self) else { throw error("a string is not UTF-8") }
      position += 1
      return text
    }
    var content = Array(bytes[start..<position]), counted = content.count
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: content, as: UTF8.self) else { throw error("a string is not UTF-8") }
        return text
      case UInt8(ascii: "\\"):
        content += Array(String(try escaped()).utf8)
        try budget.visit(128)
      case 0..<0x20: throw error("a control character in a string")
      default: content.append(byte)
      }
      if content.count - counted >= 0x1000 {
        try budget.take(2 * (content.count - counted))
        try budget.visit(0x1000)
        counted = content.count
      }
    }
    throw error("a string does not end")
  }

  private mutating func escaped() throws(PinionError) -> Character {
    guard let byte = next else { throw error("a string does not end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Character(Unicode.Scalar(byte))
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xd800..<0xdc00).contains(code), next == UInt8(ascii: "\\") {
        position += 1
        try expect(UInt8(ascii: "u"))
        let low = try hexadecimal()
        guard (0xdc00..<0xe000).contains(low) else { throw error("half a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("half a surrogate pair") }
      return Character(scalar)
    default: throw error("an unknown escape")
    }
  }

  private mutating func hexadecimal() throws(PinionError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else { throw error("expected a hexadecimal digit") }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
