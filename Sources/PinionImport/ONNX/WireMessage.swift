import PinionBase

/// A structure that is filled field by field. Fields of other numbers or layouts than the schema's are skipped, as protobuf asks.
protocol WireMessage: Sendable {
  init()
  /// Adds all fields that `reader` holds: scalars replace, lists grow, messages merge.
  mutating func merge(_ reader: inout WireReader) throws(PinionError)
  /// Takes the value of a field of which the tag has been read; returns false, with nothing read, to have it skipped.
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool
}

extension WireMessage {
  mutating func merge(_ reader: inout WireReader) throws(PinionError) { try readFields(&reader) }

  mutating func readFields(_ reader: inout WireReader) throws(PinionError) {
    while let (number, type) = try reader.tag() {
      try reader.budget.visit()
      if try !readField(number, type, from: &reader) { try reader.skip(number, type) }
    }
  }

  init(wire source: MappedBytes, limits: WireLimits) throws(PinionError) {
    self.init()
    var reader = WireReader(source, limits: limits)
    try merge(&reader)
  }
}

extension WireReader {
  mutating func mappedBytes() throws(PinionError) -> MappedBytes {
    MappedBytes(unchecked: try rawBytes(), of: owner)
  }

  /// A name: text that must be valid UTF-8.
  mutating func string() throws(PinionError) -> String {
    let bytes = try rawBytes()
    if bytes.isEmpty { return "" }
    guard let text = String(utf8: bytes) else { throw malformed("a name is not valid UTF-8") }
    return text
  }

  /// A name that is looked up again, of which the file's names have one text.
  mutating func name() throws(PinionError) -> ONNXName {
    let bytes = try rawBytes()
    if bytes.isEmpty { return ONNXName() }
    let hash = ONNXNames.hash(bytes)
    if let name = budget.names.find(bytes, hash: hash) { return name }
    guard let text = String(utf8: bytes) else { throw malformed("a name is not valid UTF-8") }
    try budget.take(ONNXNames.recordBytes)
    return budget.names.add(text, bytes, hash: hash)
  }

  /// Text for people, in which invalid UTF-8 is replaced.
  mutating func prose() throws(PinionError) -> String {
    String(decoding: try rawBytes(), as: UTF8.self)
  }

  /// A submessage merged into what earlier fields of the same number have set.
  mutating func merge<M: WireMessage>(into message: inout M) throws(PinionError) {
    var reader = try nested()
    try message.merge(&reader)
  }

  /// Makes and accounts for room for one more element.
  @inline(__always) private func takeRoom<T>(in list: inout [T]) throws(PinionError) {
    if list.count == list.capacity { try grow(&list) } else { try budget.visit() }
  }

  /// A list doubles; while its elements move there are two of it. Its first element brings a heap block with its header.
  @inline(never) private func grow<T>(_ list: inout [T]) throws(PinionError) {
    let stride = MemoryLayout<T>.stride, before = list.capacity &* stride
    let capacity = max(list.count &* 2, 1)
    try budget.take(capacity &* stride + (list.isEmpty ? 32 : 0))
    list.reserveCapacity(capacity)
    budget.give(before)
  }

  /// One more element of a repeated submessage.
  mutating func append<M: WireMessage>(to list: inout [M]) throws(PinionError) {
    try takeRoom(in: &list)
    var message = M()
    try merge(into: &message)
    list.append(message)
  }

  /// An optional submessage kept in a list of at most one, which costs a word where it is absent.
  mutating func merge<M: WireMessage>(intoOnly list: inout [M]) throws(PinionError) {
    if list.isEmpty { return try append(to: &list) }
    try merge(into: &list[0])
  }

  mutating func append(to list: inout [String]) throws(PinionError) {
    try takeRoom(in: &list)
    list.append(try string())
  }

  mutating func append(to list: inout [ONNXName]) throws(PinionError) {
    try takeRoom(in: &list)
    list.append(try name())
  }

  mutating func append(to list: inout [MappedBytes]) throws(PinionError) {
    try takeRoom(in: &list)
    list.append(try mappedBytes())
  }

  /// Fields of one number that follow each other, of which one has been read already.
  @inline(__always)
  private mutating func appendRun<T>(
    to list: inout [T], _ number: Int, _ type: WireType, _ value: (inout WireReader) throws(PinionError) -> T
  ) throws(PinionError) {
    let piece = 64
    var count = 0
    while continues(number, type) {
      if list.count == list.capacity { try grow(&list) }
      list.append(try value(&self))
      count &+= 1
      guard count == piece else { continue }
      try budget.visit(8 &* piece)
      count = 0
    }
  }

  /// A repeated int64, packed or not; false for any other layout.
  /// - Parameter number: that of the field whose tag has been read.
  mutating func append(to list: inout [Int64], _ number: Int, _ type: WireType) throws(PinionError) -> Bool {
    switch type {
    case .varint:
      try takeRoom(in: &list)
      list.append(Int64(bitPattern: try varint()))
      try appendRun(to: &list, number, type) { (reader) throws(PinionError) in Int64(bitPattern: try reader.varint()) }
    case .bytes:
      var packed = try packed()
      while !packed.isAtEnd {
        try takeRoom(in: &list)
        list.append(Int64(bitPattern: try packed.varint()))
      }
    default: return false
    }
    return true
  }

  /// A repeated float, packed or not; false for any other layout.
  /// - Parameter number: that of the field whose tag has been read.
  mutating func append(to list: inout [Float], _ number: Int, _ type: WireType) throws(PinionError) -> Bool {
    switch type {
    case .fixed32:
      try takeRoom(in: &list)
      list.append(Float(bitPattern: try fixed32()))
      try appendRun(to: &list, number, type) { (reader) throws(PinionError) in Float(bitPattern: try reader.fixed32()) }
    case .bytes:
      let bytes = try rawBytes()
      guard bytes.count % 4 == 0 else { throw malformed("packed floats of \(bytes.count) bytes") }
      try budget.take(bytes.count)
      // Reserving for each of many short runs would copy the list once a run.
      if list.isEmpty { list.reserveCapacity(bytes.count / 4) }
      for offset in stride(from: 0, to: bytes.count, by: 4) {
        list.append(Float(bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))))
      }
    default: return false
    }
    return true
  }
}
