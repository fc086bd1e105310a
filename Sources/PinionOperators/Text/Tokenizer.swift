import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Cuts strings into tokens: what matches a regular expression, what lies between separators, or single characters.
///
/// All strings get as many tokens as the longest, filled up with a padding string, along a new last axis.
public struct Tokenizer: ValueTyping {
  public static let schema = Schema("Tokenizer", domain: "com.microsoft", since: 1, inputs: ["X: string"], outputs: ["Y: string"])

  private enum Rule: Sendable {
    case characters
    case separators([Regex])
    case tokens(Regex)
  }

  private let rule: Rule
  let hasMarks: Bool
  let padding: [UInt8]
  let minimum: Int

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
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

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [.tensor(.string, dims: inputs.first??.dims.map { $0 + [.unknown] })] }

  public func facts(_ context: FactContext) -> [Fact] { [Fact(.string, context[0].dims.map { $0 + [nil] })] }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (input, strings) = try requiredStrings(inputs, 0, "X")
    guard (1...2).contains(input.shape.rank) else { throw .invalidShape("input 'X' is \(input.type), expected [C] or [N,C]") }
    // Each token is an array of its own, and there are no more of them than bytes of text.
    let tokenBytes = try strings.reduce(0) { $0 &+ $1.count }.multiplied(by: 80)
    try context.control.takeBytes(tokenBytes)
    defer { context.control.giveBytes(tokenBytes) }
    var rows: [[[UInt8]]] = []
    for string in strings {
      try context.control.check()
      let text = ScalarText(string)
      var row: [[UInt8]] = []
      for token in try tokens(text.scalars, control: context.control) where token.count >= minimum { row.append(text.utf8(token)) }
      rows.append(row)
    }
    var width = rows.map(\.count).max() ?? 0
    if hasMarks, width > 0 {
      width += 2
      for index in rows.indices { rows[index] = [[0x02]] + rows[index] + [[0x03]] }
    }
    let shape = try Shape(input.shape.dims + [width])
    let textBytes = try shape.count.multiplied(by: MemoryLayout<[UInt8]>.stride &+ MemoryLayout<StringElement>.stride)
    try context.control.takeBytes(textBytes)
    defer { context.control.giveBytes(textBytes) }
    var texts: [[UInt8]] = []
    texts.reserveCapacity(shape.count)
    if width > 0 {
      for row in rows { texts += row + [[UInt8]](repeating: padding, count: width - row.count) }
    }
    return [.tensor(try Tensor(utf8: texts, shape, allocator: context.allocator))]
  }

  private func tokens(_ text: [UInt32], control: RunControl) throws(PinionError) -> [Range<Int>] {
    switch rule {
    case .characters: return text.indices.map { $0..<$0 + 1 }
    case .tokens(let regex): return try matches(of: regex, in: text, control: control)
    case .separators(let separators):
      var parts = [0..<text.count]
      for separator in separators {
        var pieces: [Range<Int>] = []
        for part in parts {
          var start = part.lowerBound
          for match in try matches(of: separator, in: Array(text[part]), control: control) {
            pieces.append(start..<part.lowerBound + match.lowerBound)
            start = part.lowerBound + match.upperBound
          }
          pieces.append(start..<part.upperBound)
        }
        parts = pieces
      }
      return parts
    }
  }

  /// The matches that are not empty, from left to right.
  private func matches(of regex: Regex, in text: [UInt32], control: RunControl) throws(PinionError) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var position = 0
    while position < text.count, let match = try regex.firstMatch(in: text, from: position, control: control) {
      if match.isEmpty {
        position = match.upperBound + 1
      } else {
        result.append(match)
        position = match.upperBound
      }
    }
    return result
  }
}
