import PinionBase
import PinionTensor

/// A protobuf message being put together. Elements of tensors stay where they are until the message is written.
struct WireWriter {
  private enum Piece {
    case bytes([UInt8])
    case tensor(Tensor)
  }

  private var pieces: [Piece] = []
  private var bytes: [UInt8] = []
  /// The message's bytes.
  private(set) var count = 0

  // MARK: Fields

  mutating func int(_ field: Int, _ value: Int64) { varint(field, UInt64(bitPattern: value)) }

  mutating func float(_ field: Int, _ value: Float) {
    tag(field, 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { append($0) }
  }

  mutating func string(_ field: Int, _ text: String) { blob(field, Array(text.utf8)) }

  /// A string that is left out where it is empty.
  mutating func optionalString(_ field: Int, _ text: String) { if !text.isEmpty { string(field, text) } }

  mutating func blob(_ field: Int, _ content: some Collection<UInt8>) {
    tag(field, 2)
    varint(UInt64(content.count))
    append(content)
  }

  /// A repeated int64, packed.
  mutating func ints(_ field: Int, _ values: [Int64]) throws(PinionError) {
    guard !values.isEmpty else { return }
    try message(field) { writer in for value in values { writer.varint(UInt64(bitPattern: value)) } }
  }

  /// A repeated float, packed.
  mutating func floats(_ field: Int, _ values: [Float]) throws(PinionError) {
    guard !values.isEmpty else { return }
    try message(field) { writer in
      for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { writer.append($0) } }
    }
  }

  mutating func message(_ field: Int, _ body: (inout WireWriter) throws(PinionError) -> Void) throws(PinionError) {
    var inner = WireWriter()
    try body(&inner)
    try message(field, inner)
  }

  mutating func message(_ field: Int, _ inner: WireWriter) throws(PinionError) {
    tag(field, 2)
    varint(UInt64(inner.count))
    if inner.pieces.isEmpty {
      append(inner.bytes)
      return
    }
    settle()
    pieces += inner.pieces
    bytes = inner.bytes
    count = try count.adding(inner.count)
  }

  /// The elements of a tensor of numbers in raw layout.
  mutating func raw(_ field: Int, _ tensor: Tensor) throws(PinionError) {
    let size = try tensor.fileBytes()
    tag(field, 2)
    varint(UInt64(size))
    settle()
    pieces.append(.tensor(tensor))
    count = try count.adding(size)
  }

  // MARK: Bytes

  private mutating func settle() {
    if !bytes.isEmpty { pieces.append(.bytes(bytes)) }
    bytes = []
  }

  private mutating func append(_ content: some Collection<UInt8>) {
    bytes.append(contentsOf: content)
    count += content.count
  }

  private mutating func tag(_ field: Int, _ type: Int) { varint(UInt64(field << 3 | type)) }

  private mutating func varint(_ field: Int, _ value: UInt64) {
    tag(field, 0)
    varint(value)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      count += 1
      rest >>= 7
    }
    bytes.append(UInt8(rest))
    count += 1
  }

  /// Writes the message without its length.
  func write(to file: OutputFile) throws(PinionError) {
    for piece in pieces {
      switch piece {
      case .bytes(let bytes): try file.write(bytes)
      case .tensor(let tensor): try tensor.writeElements(to: file)
      }
    }
    try file.write(bytes)
  }
}

extension Tensor {
  /// Bytes of the elements in a file, where those of less than a byte are packed.
  func fileBytes() throws(PinionError) -> Int {
    guard element.bitWidth < 8 else { return byteCount }
    let bits = try count.multiplied(by: element.bitWidth)
    return bits / 8 + (bits % 8 == 0 ? 0 : 1)
  }

  /// Writes the elements in the layout of files. They need be in memory only meanwhile.
  func writeElements(to file: OutputFile) throws(PinionError) {
    guard count > 0 else { return }
    let elements = try resident()
    let chunk = 1 << 20
    let source = elements.bytes
    if element.bitWidth >= 8 {
      for start in stride(from: 0, to: source.count, by: chunk) {
        try file.write(UnsafeRawBufferPointer(rebasing: source[start..<min(source.count, start + chunk)]))
      }
    } else {
      let bits = element.bitWidth, perByte = 8 / bits, mask = UInt8(1 << bits) - 1
      var packed: [UInt8] = []
      for start in stride(from: 0, to: source.count, by: chunk) {
        let part = source[start..<min(source.count, start + chunk)]
        packed.removeAll(keepingCapacity: true)
        packed.append(contentsOf: repeatElement(0, count: (part.count + perByte - 1) / perByte))
        for (index, value) in part.enumerated() { packed[index / perByte] |= (value & mask) << UInt8(index % perByte * bits) }
        try file.write(packed)
      }
    }
    withExtendedLifetime(elements) { giveBackPages() }
  }
}
