import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Cuts strings into tokens: what matches a regular expression, what lies between separators, or single characters.
///
/// All strings get as many tokens as the longest, filled up with a padding string, along a new last axis.
package struct Tokenizer: EagerExecutable {
  package static let schema = Schema("Tokenizer", domain: "com.microsoft", since: 1, inputs: ["X: string"], outputs: ["Y: string"])

  private enum Rule: Sendable {
    case characters
    case separators([Regex])
    case tokens(Regex)
  }

  private let rule: Rule
  let hasMarks: Bool
  let padding: [UInt8]
  let minimum: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    hasMarks = try attributes.bool("mark")
    padding = Array(try attributes.string("pad_value").utf8)
    minimum = try attributes.int("mincharnum", in: 1...Int64(Int32.max))
    let separators = try attributes.optionalStrings("separators")
    let expression = try attributes.optionalString("tokenexp")
    switch (separators, expression) {
    case (nil, "."?):
      // By itself it means each character, line feeds included.
      rule = .characters
    case (nil, let expression?):
      rule = .tokens(try Regex(expression))
    case (let separators?, nil) where !separators.isEmpty:
      if separators == [""] {
        rule = .characters
      } else {
        var list: [Regex] = []
        for separator in separators { list.append(try Regex(separator)) }
        rule = .separators(list)
      }
    default: throw .invalidModel("expected either 'separators' or 'tokenexp'")
    }
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.string, context[0].dims.map { $0 + [nil] })] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (input, strings) = try requiredStrings(inputs, 0, "X")
    guard (1...2).contains(input.shape.rank) else { throw .invalidShape("input 'X' is \(input.type), expected [C] or [N,C]") }
    // Where each token lies, how many each string has, and the bytes that they are made of.
    var spans: RunTable<StringElement> = try context.table()
    var text: RunTable<UInt8> = try context.table()
    let counts: RunTable<Int> = try context.table(repeating: 0, count: strings.count)
    var width = 0
    var poll = Poll(context.control)
    for (index, string) in strings.enumerated() {
      if case .tokens(let regex) = rule, let set = regex.repeated, string.bytes.isASCII {
        counts[index] = try words(of: set, in: string.bytes, &text, &spans, &poll)
        width = max(width, counts[index])
        continue
      }
      let scalars = try ScalarText(string, context, &poll)
      let found = try tokens(scalars.scalars, context, &poll)
      for place in 0..<found.count where found[place].count >= minimum {
        try poll.count(8)
        let token = scalars.utf8(found[place].start..<found[place].start &+ found[place].count)
        try text.append(contentsOf: token)
        try spans.append(StringElement(start: nil, count: token.count))
        counts[index] &+= 1
      }
      width = max(width, counts[index])
    }
    let isMarked = hasMarks && width > 0
    if isMarked { width += 2 }
    let shape = try Shape(input.shape.dims + [width])
    var texts = try context.strings(count: shape.count)
    var next = 0
    var place = text.base
    for string in 0..<(width > 0 ? strings.count : 0) {
      if isMarked { try texts.append([0x02]) }
      for _ in 0..<counts[string] {
        try texts.append(UnsafeBufferPointer(start: place, count: spans[next].count))
        place += spans[next].count
        next &+= 1
      }
      if isMarked { try texts.append([0x03]) }
      for _ in (counts[string] &+ (isMarked ? 2 : 0))..<width { try texts.append(padding) }
    }
    return [.tensor(try texts.tensor(shape))]
  }

  /// Adds the longest runs of characters of a set, which all are one byte, as tokens; how many.
  private func words(
    of set: RegexClass, in bytes: UnsafeBufferPointer<UInt8>, _ text: inout RunTable<UInt8>, _ spans: inout RunTable<StringElement>, _ poll: inout Poll
  ) throws(PinionError) -> Int {
    var count = 0
    var position = 0
    while position < bytes.count {
      let start = position
      while position < bytes.count, set.contains(UInt32(bytes[position])) {
        try poll.count(4)
        position &+= 1
      }
      if position &- start >= minimum {
        try text.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<position]))
        try spans.append(StringElement(start: nil, count: position &- start))
        count &+= 1
      }
      // What ended the word, or is none, belongs to none.
      try poll.count(4)
      position &+= 1
    }
    return count
  }

  /// Characters of a text.
  private struct Span: BitwiseCopyable {
    let start: Int
    let count: Int
  }

  private func tokens(
    _ text: UnsafeBufferPointer<UInt32>, _ context: EagerContext, _ poll: inout Poll
  ) throws(PinionError) -> RunTable<Span> {
    var result: RunTable<Span> = try context.table()
    switch rule {
    case .characters:
      for index in text.indices {
        try poll.count()
        try result.append(Span(start: index, count: 1))
      }
    case .tokens(let regex):
      try matches(of: regex, in: text, &poll) { (match) throws(PinionError) in
        try result.append(Span(start: match.lowerBound, count: match.count))
      }
    case .separators(let separators):
      try result.append(Span(start: 0, count: text.count))
      for separator in separators {
        var pieces: RunTable<Span> = try context.table()
        for place in 0..<result.count {
          let part = result[place], end = part.start &+ part.count
          var start = part.start
          try matches(of: separator, in: UnsafeBufferPointer(rebasing: text[part.start..<end]), &poll) { (match) throws(PinionError) in
            try pieces.append(Span(start: start, count: part.start &+ match.lowerBound &- start))
            start = part.start &+ match.upperBound
          }
          try pieces.append(Span(start: start, count: end &- start))
        }
        result = pieces
      }
    }
    return result
  }

  /// Calls `body` with the matches that are not empty, from left to right.
  private func matches(
    of regex: Regex, in text: UnsafeBufferPointer<UInt32>, _ poll: inout Poll, _ body: (Range<Int>) throws(PinionError) -> Void
  ) throws(PinionError) {
    var position = 0
    while position < text.count, let match = try regex.firstMatch(in: text, from: position, &poll) {
      if match.isEmpty {
        position = match.upperBound + 1
      } else {
        try body(match)
        position = match.upperBound
      }
    }
  }
}
