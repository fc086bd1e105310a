import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Cuts each string at a delimiter, or at runs of white space, and pads the parts to a common number with empty strings.
///
/// The second output has each string's number of parts.
package struct StringSplit: EagerExecutable {
  package static let schema = Schema("StringSplit", since: 20, inputs: ["X: string"], outputs: ["Y: string", "Z: int64"])
  /// Empty for white space.
  let delimiter: [UInt8]
  let limit: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    delimiter = Array(try attributes.string("delimiter", default: "").utf8)
    limit = Int(clamping: try attributes.int("maxsplit", default: .max))
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(.string, context[0].dims.map { $0 + [nil] }), context.like(0, element: .int64)]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (input, strings) = try requiredStrings(inputs, 0, "X")
    // Which parts there are, then how many the longest has, then the parts themselves.
    var parts: RunTable<StringElement> = try context.table()
    let lengths = try context.allocate(TensorType(.int64, input.shape))
    let counts = try lengths.mutableElements(as: Int64.self)
    var width = 0
    var poll = Poll(context.control)
    for (index, string) in strings.enumerated() {
      let before = parts.count
      try delimiter.isEmpty ? splitAtSpace(string.bytes, &parts, &poll) : splitAtDelimiter(string.bytes, &parts, &poll)
      counts[index] = Int64(parts.count &- before)
      width = max(width, parts.count &- before)
    }
    let shape = try Shape(input.shape.dims + [width])
    var texts = try context.strings(count: shape.count)
    var next = 0
    for count in counts {
      for part in 0..<width {
        if part < Int(count) {
          try texts.write(parts[next].bytes)
          next &+= 1
        }
        try texts.end()
      }
    }
    return [.tensor(try texts.tensor(shape)), .tensor(lengths)]
  }

  private func splitAtDelimiter(
    _ text: UnsafeBufferPointer<UInt8>, _ parts: inout RunTable<StringElement>, _ poll: inout Poll
  ) throws(PinionError) {
    var start = 0, index = 0, cuts = 0
    while index <= text.count &- delimiter.count, cuts < limit {
      try poll.count(delimiter.count)
      if text[index..<index &+ delimiter.count].elementsEqual(delimiter) {
        try parts.append(part(text, start..<index))
        cuts &+= 1
        index &+= delimiter.count
        start = index
      } else {
        index &+= 1
      }
    }
    try parts.append(part(text, start..<text.count))
  }

  private func part(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> StringElement {
    StringElement(start: text.baseAddress.map { $0 + range.lowerBound }, count: range.count)
  }

  private func splitAtSpace(
    _ text: UnsafeBufferPointer<UInt8>, _ parts: inout RunTable<StringElement>, _ poll: inout Poll
  ) throws(PinionError) {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
    var end = text.count
    while end > 0, isSpace(text[end - 1]) { end -= 1 }
    var index = 0, cuts = 0
    while true {
      while index < end, isSpace(text[index]) { index += 1 }
      guard index < end else { return }
      let start = index
      if cuts >= limit {
        index = end
      } else {
        while index < end, !isSpace(text[index]) { index += 1 }
      }
      try poll.count(index &- start)
      cuts &+= 1
      try parts.append(part(text, start..<index))
    }
  }
}
