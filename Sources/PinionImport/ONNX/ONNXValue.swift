import PinionBase

/// What a sequence or optional holds; the raw values are those of `SequenceProto.DataType` and `OptionalProto.DataType`.
package enum ONNXContainedKind: Int32, Sendable, CaseIterable {
  case undefined = 0
  case tensor = 1
  case sparseTensor = 2
  case sequence = 3
  case map = 4
  case optional = 5
}

/// A `SequenceProto`; `elementKind` tells which of the lists holds the elements.
package struct ONNXSequence: Sendable {
  package var name = ""
  /// `.undefined` for a number outside the enumeration as well.
  package var elementKind = ONNXContainedKind.undefined
  package var tensors: [ONNXTensor] = []
  package var sparseTensors: [ONNXSparseTensor] = []
  package var sequences: [ONNXSequence] = []
  package var maps: [ONNXMap] = []
  package var optionals: [ONNXOptional] = []
  init() {}

  /// Reads a file that holds one sequence. Throws `.invalidModel` where the bytes are not a well-formed message.
  package init(parsing file: FileMapping, limits: WireLimits = WireLimits()) throws(PinionError) {
    try self.init(wire: file.all, limits: limits)
  }
}

/// An `OptionalProto`; the member that `elementKind` names is nil where the optional is empty.
package struct ONNXOptional: Sendable {
  package var name = ""
  /// `.undefined` for a number outside the enumeration as well.
  package var elementKind = ONNXContainedKind.undefined
  package var tensor: ONNXTensor? { tensors.first }
  package var sparseTensor: ONNXSparseTensor? { sparseTensors.first }
  package var sequence: ONNXSequence? { sequences.first }
  package var map: ONNXMap? { maps.first }
  package var optional: ONNXOptional? { optionals.first }
  private var tensors: [ONNXTensor] = []
  private var sparseTensors: [ONNXSparseTensor] = []
  private var sequences: [ONNXSequence] = []
  private var maps: [ONNXMap] = []
  private var optionals: [ONNXOptional] = []
  init() {}

  /// Reads a file that holds one optional. Throws `.invalidModel` where the bytes are not a well-formed message.
  package init(parsing file: FileMapping, limits: WireLimits = WireLimits()) throws(PinionError) {
    try self.init(wire: file.all, limits: limits)
  }
}

/// A `MapProto`: keys in one of two lists, values in the same order.
package struct ONNXMap: Sendable {
  package var name = ""
  /// A raw `TensorProto.DataType` number.
  package var keyType: Int32 = 0
  /// Keys of an integer type.
  package var keys: [Int64] = []
  package var stringKeys: [MappedBytes] = []
  package var values: ONNXSequence? { valueSequences.first }
  private var valueSequences: [ONNXSequence] = []
  init() {}

  /// Reads a file that holds one map. Throws `.invalidModel` where the bytes are not a well-formed message.
  package init(parsing file: FileMapping, limits: WireLimits = WireLimits()) throws(PinionError) {
    try self.init(wire: file.all, limits: limits)
  }
}

extension ONNXSequence: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): name = try reader.string()
    case (2, .varint): elementKind = ONNXContainedKind(rawValue: Int32(truncatingIfNeeded: try reader.varint())) ?? .undefined
    case (3, .bytes): try reader.append(to: &tensors)
    case (4, .bytes): try reader.append(to: &sparseTensors)
    case (5, .bytes): try reader.append(to: &sequences)
    case (6, .bytes): try reader.append(to: &maps)
    case (7, .bytes): try reader.append(to: &optionals)
    default: return false
    }
    return true
  }
}

extension ONNXOptional: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): name = try reader.string()
    case (2, .varint): elementKind = ONNXContainedKind(rawValue: Int32(truncatingIfNeeded: try reader.varint())) ?? .undefined
    case (3, .bytes): try reader.merge(intoOnly: &tensors)
    case (4, .bytes): try reader.merge(intoOnly: &sparseTensors)
    case (5, .bytes): try reader.merge(intoOnly: &sequences)
    case (6, .bytes): try reader.merge(intoOnly: &maps)
    case (7, .bytes): try reader.merge(intoOnly: &optionals)
    default: return false
    }
    return true
  }
}

extension ONNXMap: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): name = try reader.string()
    case (2, .varint): keyType = Int32(truncatingIfNeeded: try reader.varint())
    case (3, _): return try reader.append(to: &keys, 3, type)
    case (4, .bytes): try reader.append(to: &stringKeys)
    case (5, .bytes): try reader.merge(intoOnly: &valueSequences)
    default: return false
    }
    return true
  }
}
