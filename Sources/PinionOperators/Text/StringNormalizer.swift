import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Drops stop words and changes the case of what is left.
///
/// Letters change case one for one and without regard to a locale, as if it were "C" with UTF-8.
package struct StringNormalizer: EagerExecutable {
  package static let schema = Schema("StringNormalizer", since: 10, inputs: ["X: string"], outputs: ["Y: string"])

  enum CaseChange: String, CaseIterable {
    case none = "NONE"
    case lower = "LOWER"
    case upper = "UPPER"
  }

  let caseChange: CaseChange
  let isCaseSensitive: Bool
  let stopwords: Set<[UInt8]>
  private let longestStopword: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    caseChange = try attributes.choice("case_change_action", default: .none)
    isCaseSensitive = try attributes.bool("is_case_sensitive")
    attributes.ignore("locale")
    let words = try attributes.strings("stopwords", default: [])
    var stopwords: Set<[UInt8]> = []
    var poll = Poll(attributes.control)
    for word in words {
      try poll.count(128 &+ word.utf8.count)
      stopwords.insert(isCaseSensitive ? Array(word.utf8) : StringNormalizer.change(word, to: .lower))
    }
    self.stopwords = stopwords
    longestStopword = stopwords.lazy.map(\.count).max() ?? 0
  }

  package func facts(_ context: FactContext) -> [Fact] {
    // Without stopwords all strings stay; of none one is made.
    let count = stopwords.isEmpty ? context[0].dims?.last.flatMap { $0 }.flatMap { $0 > 0 ? $0 : nil } : nil
    return [Fact(.string, context[0].rank.map { $0 == 1 ? [count] : [1, count] })]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (input, strings) = try requiredStrings(inputs, 0, "X")
    let rank = input.shape.rank
    guard rank == 1 || (rank == 2 && input.shape[0] == 1) else {
      throw .invalidShape("input 'X' is \(input.type), expected [C] or [1,C]")
    }
    var kept = try context.strings()
    var poll = Poll(context.control)
    for string in strings {
      // Of a string that may be a stopword a copy is made.
      try poll.count(min(string.count, longestStopword &* 4) &+ 64)
      if !stopwords.isEmpty, try isStopword(string, context.control) { continue }
      if caseChange == .none {
        try kept.append(string.bytes)
      } else {
        try inScalars(of: string) { (part) throws(PinionError) in
          if part.isASCII { return try kept.write(part, inCase: caseChange) }
          let text = String(decoding: part, as: UTF8.self)
          try StringNormalizer.change(text, to: caseChange).withUnsafeBufferPointer { (bytes) throws(PinionError) in try kept.write(bytes) }
        }
        try kept.end()
      }
    }
    if kept.count == 0 { try kept.end() }
    let shape = try Shape(rank == 1 ? [kept.count] : [1, kept.count])
    return [.tensor(try kept.tensor(shape))]
  }

  private func isStopword(_ string: StringElement, _ control: RunControl) throws(PinionError) -> Bool {
    // What is longer than the longest of them is none of them, and is not copied to find that out.
    guard string.count <= longestStopword &* 4 else { return false }
    return stopwords.contains(isCaseSensitive ? Array(string.bytes) : StringNormalizer.change(string.string, to: .lower))
  }

  /// Calls `body` with pieces of the string, each of whole characters as far as it has such.
  private func inScalars(of string: StringElement, _ body: (UnsafeBufferPointer<UInt8>) throws(PinionError) -> Void) throws(PinionError) {
    let bytes = string.bytes, size = 4096
    var start = 0
    while start < bytes.count {
      var end = min(start &+ size, bytes.count)
      // Back over the bytes of a character that would be cut, of which there are three at most.
      var steps = 0
      while end < bytes.count, bytes[end] & 0xc0 == 0x80, steps < 3 {
        end &-= 1
        steps &+= 1
      }
      try body(UnsafeBufferPointer(rebasing: bytes[start..<end]))
      start = end
    }
  }

  private static func change(_ text: String, to form: CaseChange) -> [UInt8] {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { result.append(form == .lower ? scalar.simpleLowercase : scalar.simpleUppercase) }
    return Array(String(result).utf8)
  }
}

extension StringTable {
  /// Adds text without characters of several bytes.
  fileprivate mutating func write(_ bytes: UnsafeBufferPointer<UInt8>, inCase form: StringNormalizer.CaseChange) throws(PinionError) {
    let first: UInt8 = form == .lower ? 0x41 : 0x61
    for byte in bytes { try write(byte &- first < 26 ? byte ^ 0x20 : byte) }
  }
}
