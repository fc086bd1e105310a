import PinionBase
import PinionTensor

extension ONNXTensor {
  /// The product of the dimensions. Throws `.invalidModel` for a negative dimension, `.invalidValue` on overflow.
  package func elementCount() throws(PinionError) -> Int {
    var count = 1
    for dimension in dims {
      guard dimension >= 0 else { throw invalid("has the negative dimension \(dimension)") }
      count = try count.multiplied(by: try dimension.converted())
    }
    return count
  }

  /// Bytes of the elements in raw layout: little-endian, row-major, elements of less than a byte packed from the lowest bit up.
  ///
  /// Throws `.unsupported` for an unknown element type, `.invalidModel` for strings and negative dimensions.
  package func byteCount() throws(PinionError) -> Int {
    let type = try knownElementType()
    guard type != .string else { throw invalid("holds strings, which have no raw layout") }
    let bits = try elementCount().multiplied(by: type.bitWidth)
    return bits / 8 + (bits % 8 == 0 ? 0 : 1)
  }

  func knownElementType() throws(PinionError) -> ElementType {
    guard let type = elementType else { throw .unsupported("tensor '\(name.text)' has the element type \(ElementType.name(onnx: dataType)), which is not supported") }
    return type
  }

  func invalid(_ what: String) -> PinionError { .invalidModel("tensor '\(name)' \(what)") }

  /// Where an external tensor's elements are: `count` is nil where the file leaves the length open.
  ///
  /// Throws `.invalidModel` where the location is missing or a number is not one.
  package func externalRange() throws(PinionError) -> (location: String, offset: Int, count: Int?) {
    var location: String?
    var offset = 0
    var count: Int?
    for entry in externalData {
      switch entry.key {
      case "location": location = entry.value
      case "offset": offset = try externalNumber(entry)
      case "length": count = try externalNumber(entry)
      default: break
      }
    }
    guard let location else { throw invalid("is external and has no location") }
    return (location, offset, count)
  }

  private func externalNumber(_ entry: ONNXEntry) throws(PinionError) -> Int {
    guard let number = Int(entry.value), number >= 0 else {
      throw invalid("has the external \(entry.key) '\(entry.value)', which is no number of bytes")
    }
    return number
  }

  /// The elements in raw layout as they lie in the model or data file, at any alignment; nil where they have to be decoded.
  ///
  /// Strings, typed fields and booleans other than 0 and 1 have to be decoded. A tensor without elements gives nil as well.
  /// Throws `.invalidModel` where the byte count does not fit the shape and element type, what `ExternalDataFolder` throws, and what the
  /// limits of the load say.
  package func mappedBytes(
    externalData folder: ExternalDataFolder?, control: RunControl = RunControl()
  ) throws(PinionError) -> MappedBytes? {
    guard !isSegment else { throw .unsupported("tensor '\(name)' is a segment of a larger tensor") }
    guard try knownElementType() != .string, let stored = try storedBytes(folder) else { return nil }
    if stored.count == 0 { return nil }
    if elementType == .bool {
      // Together, so that many are looked at at once.
      var bits: UInt8 = 0
      try inPieces(of: 1 << 20, stored.count, control) { range in for byte in stored.bytes[range] { bits |= byte } }
      if bits > 1 { return nil }
    }
    return stored
  }

  /// Raw or external bytes of the right count.
  private func storedBytes(_ folder: ExternalDataFolder?) throws(PinionError) -> MappedBytes? {
    let needed = try byteCount()
    if isExternal {
      let range = try externalRange()
      guard range.count ?? needed == needed else {
        throw invalid("has \(range.count ?? 0) external bytes; its shape \(dims) needs \(needed)")
      }
      guard let folder else {
        throw invalid("has its data in the file '\(range.location)'; a model in memory has no folder to look in")
      }
      return try folder.bytes(location: range.location, offset: range.offset, count: needed)
    }
    guard let rawData else { return nil }
    guard rawData.count == needed else {
      throw invalid("has \(rawData.count) bytes of raw data; its shape \(dims) needs \(needed)")
    }
    return rawData
  }

  /// Writes the elements in raw layout to the first `byteCount()` bytes of `destination`; booleans become 0 or 1.
  ///
  /// Throws as `mappedBytes(externalData:)`, and `.invalidArgument` where `destination` is too small.
  package func decode(
    into destination: UnsafeMutableRawBufferPointer, externalData folder: ExternalDataFolder? = nil, control: RunControl = RunControl()
  ) throws(PinionError) {
    guard !isSegment else { throw .unsupported("tensor '\(name)' is a segment of a larger tensor") }
    let type = try knownElementType()
    let count = try elementCount()
    let bytes = try byteCount()
    guard destination.count >= bytes else {
      throw .invalidArgument("tensor '\(name)' needs \(bytes) bytes and is given room for \(destination.count)")
    }
    let target = UnsafeMutableRawBufferPointer(rebasing: destination[..<bytes])
    if let stored = try storedBytes(folder) {
      try inPieces(of: 1 << 20, bytes, control) { range in
        let piece = UnsafeMutableRawBufferPointer(rebasing: target[range])
        piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: stored.bytes[range]))
        if type == .bool { for index in piece.indices where piece[index] > 1 { piece[index] = 1 } }
      }
      return
    }
    var poll = Poll(control)
    switch type {
    case .float32: try copyFixed(field: 4, width: 4, to: target, elements: count, &poll)
    case .complex64: try copyFixed(field: 4, width: 4, to: target, elements: count * 2, &poll)
    case .float64: try copyFixed(field: 10, width: 8, to: target, elements: count, &poll)
    case .complex128: try copyFixed(field: 10, width: 8, to: target, elements: count * 2, &poll)
    case .int64: try copyVarints(field: 7, as: UInt64.self, to: target, &poll)
    case .uint64: try copyVarints(field: 11, as: UInt64.self, to: target, &poll)
    case .uint32: try copyVarints(field: 11, as: UInt32.self, to: target, &poll)
    case .int32: try copyVarints(field: 5, as: UInt32.self, to: target, &poll)
    case .int16, .uint16, .float16, .bfloat16: try copyVarints(field: 5, as: UInt16.self, to: target, &poll)
    case .bool: try eachVarint(field: 5, expected: count, &poll) { target[$0] = $1 & 0xffff_ffff == 0 ? 0 : 1 }
    case .int8, .uint8, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0,
      .int4, .uint4, .float4e2m1, .int2, .uint2:
      // An entry of a narrower type carries one byte of the packed layout.
      try copyVarints(field: 5, as: UInt8.self, to: target, &poll)
    case .string: throw invalid("holds strings, which have no raw layout")
    }
  }

  /// Visits the elements of a string tensor, UTF-8 as a rule, in order. Throws `.invalidModel` where the tensor holds no strings or their
  /// number does not fit the shape, and what the limits of the load say.
  package func eachString(
    control: RunControl = RunControl(), _ body: (_ index: Int, UnsafeRawBufferPointer) throws(PinionError) -> Void
  ) throws(PinionError) {
    guard elementType == .string else { throw invalid("holds no strings") }
    let expected = try elementCount()
    var poll = Poll(control), index = 0
    try eachField(6, &poll) { (type, reader, poll) throws(PinionError) in
      guard type == .bytes else { return false }
      guard index < expected else { throw miscounted(expected) }
      let text = try reader.rawBytes()
      try poll.count(text.count / 64)
      try body(index, text)
      index &+= 1
      return true
    }
    guard index == expected else { throw miscounted(expected) }
  }

  /// The elements of a string tensor one after the other.
  func stringCursor(control: RunControl) -> StringCursor { StringCursor(self, Poll(control)) }

  /// The elements of a string tensor, as `eachString` visits them.
  package func strings() throws(PinionError) -> [MappedBytes] {
    var elements: [MappedBytes] = []
    let owner = firstPart?.owner
    try eachString { (_, bytes) in if let owner { elements.append(MappedBytes(unchecked: bytes, of: owner)) } }
    return elements
  }

  // MARK: Typed fields

  private func miscounted(_ expected: Int) -> PinionError {
    invalid("does not have the \(expected) values in its data field that its shape \(dims) needs")
  }

  /// Visits every occurrence of a field; the body reads the value or returns false.
  private func eachField(
    _ field: Int, _ poll: inout Poll, _ body: (WireType, inout WireReader, inout Poll) throws(PinionError) -> Bool
  ) throws(PinionError) {
    if let firstPart { try eachField(field, in: firstPart, &poll, body) }
    for part in furtherParts { try eachField(field, in: part, &poll, body) }
  }

  private func eachField(
    _ field: Int, in part: MappedBytes, _ poll: inout Poll, _ body: (WireType, inout WireReader, inout Poll) throws(PinionError) -> Bool
  ) throws(PinionError) {
    var reader = WireReader(part)
    while let (number, type) = try reader.tag() {
      try poll.count(4)
      if number == field, try body(type, &reader, &poll) { continue }
      try reader.skip(number, type)
    }
  }

  /// Copies a repeated float or double field, whose packed layout is the raw one.
  private func copyFixed(
    field: Int, width: Int, to target: UnsafeMutableRawBufferPointer, elements: Int, _ poll: inout Poll
  ) throws(PinionError) {
    var written = 0
    try eachField(field, &poll) { (type, reader, poll) throws(PinionError) in
      switch type {
      case .bytes:
        let run = try reader.rawBytes()
        guard run.count % width == 0 else { throw reader.malformed("packed values of \(run.count) bytes") }
        guard run.count <= target.count - written else { throw miscounted(elements) }
        for first in stride(from: 0, to: run.count, by: 1 << 20) {
          let piece = UnsafeRawBufferPointer(rebasing: run[first..<min(first + 1 << 20, run.count)])
          try poll.count(piece.count / 8)
          UnsafeMutableRawBufferPointer(rebasing: target[written...]).copyMemory(from: piece)
          written += piece.count
        }
      case .fixed32 where width == 4:
        guard target.count - written >= 4 else { throw miscounted(elements) }
        target.storeBytes(of: try reader.fixed32().littleEndian, toByteOffset: written, as: UInt32.self)
        written += 4
      case .fixed64 where width == 8:
        guard target.count - written >= 8 else { throw miscounted(elements) }
        target.storeBytes(of: try reader.fixed64().littleEndian, toByteOffset: written, as: UInt64.self)
        written += 8
      default: return false
      }
      return true
    }
    guard written == target.count else { throw miscounted(elements) }
  }

  /// Visits exactly `expected` values of a repeated varint field with their indices.
  @inline(__always)
  private func eachVarint(field: Int, expected: Int, _ poll: inout Poll, _ body: (Int, UInt64) -> Void) throws(PinionError) {
    var index = 0
    try eachField(field, &poll) { (type, reader, poll) throws(PinionError) in
      switch type {
      case .bytes:
        var run = try reader.packed()
        while !run.isAtEnd {
          guard index < expected else { throw miscounted(expected) }
          try poll.count(2)
          body(index, try run.varint())
          index += 1
        }
      case .varint:
        guard index < expected else { throw miscounted(expected) }
        body(index, try reader.varint())
        index += 1
      default: return false
      }
      return true
    }
    guard index == expected else { throw miscounted(expected) }
  }

  /// Keeps the low bits of each entry, which is what a signed or unsigned number and a bit pattern have in common.
  private func copyVarints<T: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    field: Int, as element: T.Type, to target: UnsafeMutableRawBufferPointer, _ poll: inout Poll
  ) throws(PinionError) {
    let width = MemoryLayout<T>.size
    try eachVarint(field: field, expected: target.count / width, &poll) { index, value in
      target.storeBytes(of: T(truncatingIfNeeded: value).littleEndian, toByteOffset: index * width, as: T.self)
    }
  }
}

/// The elements of a string tensor that has been looked through with `eachString`, one after the other.
struct StringCursor {
  private var parts: ArraySlice<MappedBytes>
  private var reader: WireReader?
  private var poll: Poll

  init(_ tensor: ONNXTensor, _ poll: Poll) {
    parts = tensor.furtherParts[...]
    reader = tensor.firstPart.map { WireReader($0) }
    self.poll = poll
  }

  /// The next string; empty behind the last.
  mutating func next() throws(PinionError) -> UnsafeRawBufferPointer {
    while true {
      if reader == nil {
        guard let part = parts.popFirst() else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        reader = WireReader(part)
      }
      guard let (number, type) = try reader?.tag() else {
        reader = nil
        continue
      }
      if number == 6, type == .bytes, let text = try reader?.rawBytes() {
        try poll.count(4 &+ text.count / 16)
        return text
      }
      try reader?.skip(number, type)
    }
  }
}
