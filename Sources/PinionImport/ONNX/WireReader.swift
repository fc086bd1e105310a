import PinionBase

/// What a reader accepts before it refuses a file.
package struct WireLimits: Sendable {
  /// Messages and groups inside each other; protobuf's own limit. Reading to this depth takes under 192 KiB of stack, in a debug
  /// build under 1 MiB.
  package var depth = 100
  /// Bytes of structures and lists built in memory, about. A file of n bytes can ask for more than 100 n; tensor data and strings
  /// that stay in the file do not count.
  package var structureBytes = 4 << 30
  /// The limits of the load that the reading is part of; structures count against its byte budget.
  package var control = RunControl()
  package init() {}
}

/// How a field's value is laid out, from the low three bits of its tag.
enum WireType: UInt8 {
  case varint = 0
  case fixed64 = 1
  case bytes = 2
  case groupStart = 3
  case groupEnd = 4
  case fixed32 = 5
}

/// Counts structure bytes over all readers of one file. Its counters are touched for every field, by nothing that calls back, and go unchecked
/// for overlapping accesses.
final class WireBudget {
  @exclusivity(unchecked) private var remaining: Int
  /// What is left of the bytes that the load has been asked for.
  @exclusivity(unchecked) private var granted = 0
  @exclusivity(unchecked) private var poll: Poll
  private let control: RunControl
  /// The names of the file.
  let names = ONNXNames()

  init(_ limits: WireLimits) {
    remaining = limits.structureBytes
    control = limits.control
    poll = Poll(limits.control)
  }

  /// - Parameter elements: how many elements the bytes are for.
  @inline(__always) func take(_ bytes: Int, elements: Int = 1) throws(PinionError) {
    guard bytes <= remaining else { throw .invalidModel("the file asks for more structures than the reader's limit allows") }
    remaining -= bytes
    granted -= bytes
    if granted < 0 { try ask(for: -granted) }
    try poll.count(8 &* elements)
  }

  /// Gives back what has been taken, for what is read next.
  @inline(__always) func give(_ bytes: Int) {
    remaining += bytes
    granted += bytes
  }

  /// Asks the load in larger steps than elements come.
  @inline(never) private func ask(for bytes: Int) throws(PinionError) {
    let step = max(bytes, 1 << 14)
    try control.takeBytes(step)
    granted += step
  }

  /// Polls for fields that leave nothing in memory.
  @inline(__always) func visit() throws(PinionError) { try poll.count(8) }

  /// Polls for so many steps of some nanoseconds.
  func visit(_ steps: Int) throws(PinionError) { try poll.count(steps) }
}

/// Protocol Buffers wire decoding over one message's bytes. Each read checks its bounds; nothing is copied.
struct WireReader {
  let owner: FileMapping
  let budget: WireBudget
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0
  /// How many more messages or groups may be entered.
  private let depth: Int

  init(_ source: MappedBytes, limits: WireLimits = WireLimits()) {
    self.init(source.bytes, of: source.owner, budget: WireBudget(limits), depth: limits.depth)
  }

  private init(_ bytes: UnsafeRawBufferPointer, of owner: FileMapping, budget: WireBudget, depth: Int) {
    self.owner = owner
    self.budget = budget
    self.depth = depth
    self.bytes = bytes
  }

  @inline(__always) var isAtEnd: Bool { offset == bytes.count }
  @inline(__always) private var available: Int { bytes.count - offset }

  /// The bytes not read yet.
  var remaining: MappedBytes { MappedBytes(unchecked: UnsafeRawBufferPointer(rebasing: bytes[offset...]), of: owner) }

  /// `.invalidModel` with the position in the file.
  @inline(never) func malformed(_ what: String) -> PinionError {
    .invalidModel("\(owner.name) is not a well-formed protobuf message: \(what) at byte \(place)")
  }

  /// The offset in the file.
  private var place: Int {
    guard let first = owner.bytes.baseAddress, let start = bytes.baseAddress else { return offset }
    return offset + (start - first)
  }

  /// `.invalidModel` for a group without its other end. ONNX has no groups at all, so that the bytes are of something else.
  private func strayGroup(_ what: String, _ number: Int) -> PinionError {
    .invalidModel(
      "\(owner.name) is no ONNX model or value: at byte \(place) it \(what) group \(number) of protobuf, and ONNX has no groups")
  }

  // MARK: Values

  @inline(__always) mutating func varint() throws(PinionError) -> UInt64 {
    if offset < bytes.count {
      let byte = bytes.load(fromByteOffset: offset, as: UInt8.self)
      if byte < 0x80 {
        offset += 1
        return UInt64(byte)
      }
    }
    return try longVarint()
  }

  @inline(never) private mutating func longVarint() throws(PinionError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    for index in 0..<min(available, 10) {
      let byte = bytes.load(fromByteOffset: offset + index, as: UInt8.self)
      value |= UInt64(byte & 0x7f) &<< shift
      if byte < 0x80 {
        offset += index + 1
        return value
      }
      shift += 7
    }
    throw malformed(available < 10 ? "a number is cut off" : "a number of more than 10 bytes")
  }

  mutating func fixed32() throws(PinionError) -> UInt32 {
    guard available >= 4 else { throw malformed("a 4-byte value is cut off") }
    defer { offset += 4 }
    return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  mutating func fixed64() throws(PinionError) -> UInt64 {
    guard available >= 8 else { throw malformed("an 8-byte value is cut off") }
    defer { offset += 8 }
    return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  /// A length and that many bytes.
  mutating func rawBytes() throws(PinionError) -> UnsafeRawBufferPointer {
    let length = try varint()
    guard length <= UInt64(available) else { throw malformed("a length of \(length) where \(available) bytes are left") }
    let end = offset + Int(truncatingIfNeeded: length)
    defer { offset = end }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<end])
  }

  // MARK: Structure

  /// The next field's number and layout; nil at the end of the message.
  @inline(__always) mutating func tag() throws(PinionError) -> (number: Int, type: WireType)? {
    guard offset < bytes.count else { return nil }
    let value = try varint()
    guard value >= 8, value <= UInt64(UInt32.max), let type = WireType(rawValue: UInt8(truncatingIfNeeded: value & 7)) else {
      throw malformed("the field tag \(value) is invalid")
    }
    return (Int(truncatingIfNeeded: value >> 3), type)
  }

  /// Passes over the next field's tag where it is this one, of a number below 16.
  @inline(__always) mutating func continues(_ number: Int, _ type: WireType) -> Bool {
    guard offset < bytes.count, bytes.load(fromByteOffset: offset, as: UInt8.self) == UInt8(truncatingIfNeeded: number << 3) | type.rawValue, number < 16
    else { return false }
    offset += 1
    return true
  }

  /// A reader over a message that is the next value.
  mutating func nested() throws(PinionError) -> WireReader {
    guard depth > 0 else { throw malformed("messages are nested too deeply") }
    return WireReader(try rawBytes(), of: owner, budget: budget, depth: depth - 1)
  }

  /// A reader over the packed values of a repeated scalar.
  mutating func packed() throws(PinionError) -> WireReader {
    WireReader(try rawBytes(), of: owner, budget: budget, depth: 0)
  }

  /// Passes over a value of which the tag has been read.
  mutating func skip(_ number: Int, _ type: WireType) throws(PinionError) {
    switch type {
    case .varint: _ = try varint()
    case .fixed64: _ = try fixed64()
    case .bytes: _ = try rawBytes()
    case .fixed32: _ = try fixed32()
    case .groupStart: try skipGroup(number)
    case .groupEnd: throw strayGroup("ends", number)
    }
  }

  private mutating func skipGroup(_ number: Int) throws(PinionError) {
    var open = [number]
    while let innermost = open.last {
      guard open.count <= depth else { throw malformed("groups are nested too deeply") }
      guard let (number, type) = try tag() else { throw strayGroup("begins", innermost) }
      switch type {
      case .groupStart: open.append(number)
      case .groupEnd:
        guard number == innermost else { throw strayGroup("ends", number) }
        open.removeLast()
      default: try skip(number, type)
      }
    }
  }
}
