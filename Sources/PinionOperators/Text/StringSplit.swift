import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Cuts each string at a delimiter, or at runs of white space, and pads the parts to a common number with empty strings.
///
/// The second output has each string's number of parts.
public struct StringSplit: ValueTyping {
  public static let schema = Schema("StringSplit", since: 20, inputs: ["X: string"], outputs: ["Y: string", "Z: int64"])
  /// Empty for white space.
  let delimiter: [UInt8]
  let limit: Int

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    delimiter = Array(try attributes.string("delimiter", default: "").utf8)
    limit = Int(clamping: try attributes.int("maxsplit", default: .max))
  }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    let dims = inputs.first??.dims
    return [.tensor(.string, dims: dims.map { $0 + [.unknown] }), .tensor(.int64, dims: dims)]
  }

  public func facts(_ context: FactContext) -> [Fact] {
    [Fact(.string, context[0].dims.map { $0 + [nil] }), context.like(0, element: .int64)]
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (input, strings) = try requiredStrings(inputs, 0, "X")
    var parts: [[UnsafeBufferPointer<UInt8>]] = []
    parts.reserveCapacity(strings.count)
    for string in strings {
      try context.control.check()
      parts.append(delimiter.isEmpty ? splitAtSpace(string.bytes) : splitAtDelimiter(string.bytes))
    }
    let width = parts.map(\.count).max() ?? 0
    var texts: [[UInt8]] = []
    texts.reserveCapacity(try width.multiplied(by: strings.count))
    for part in parts {
      texts += part.map { Array($0) }
      texts += [[UInt8]](repeating: [], count: width - part.count)
    }
    let shape = try Shape(input.shape.dims + [width])
    return [
      .tensor(try Tensor(utf8: texts, shape, allocator: context.allocator)),
      .tensor(try Tensor(parts.map { Int64($0.count) }, input.shape)),
    ]
  }

  private func splitAtDelimiter(_ text: UnsafeBufferPointer<UInt8>) -> [UnsafeBufferPointer<UInt8>] {
    var parts: [UnsafeBufferPointer<UInt8>] = []
    var start = 0
    var index = 0
    while index + delimiter.count <= text.count, parts.count < limit {
      if text[index..<index + delimiter.count].elementsEqual(delimiter) {
        parts.append(UnsafeBufferPointer(rebasing: text[start..<index]))
        index += delimiter.count
        start = index
      } else {
        index += 1
      }
    }
    return parts + [UnsafeBufferPointer(rebasing: text[start...])]
  }

  private func splitAtSpace(_ text: UnsafeBufferPointer<UInt8>) -> [UnsafeBufferPointer<UInt8>] {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
    var end = text.count
    while end > 0, isSpace(text[end - 1]) { end -= 1 }
    var parts: [UnsafeBufferPointer<UInt8>] = []
    var index = 0
    while true {
      while index < end, isSpace(text[index]) { index += 1 }
      guard index < end else { return parts }
      let start = index
      if parts.count >= limit {
        index = end
      } else {
        while index < end, !isSpace(text[index]) { index += 1 }
      }
      parts.append(UnsafeBufferPointer(rebasing: text[start..<index]))
    }
  }
}
