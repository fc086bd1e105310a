import PinionBase

/// What a sequence or optional holds; the raw values are those of `SequenceProto.DataType` and `OptionalProto.DataType`.
public enum ONNXContainedKind: Int32, Sendable, CaseIterable {
  case undefined = 0
  case tensor = 1
  case sparseTensor = 2
  case sequence = 3
  case map = 4
  case optional = 5
}

/// A `SequenceProto`; `elementKind` tells which of the lists holds the elements.
public struct ONNXSequence: Sendable {
  public var name = ""
  /// `.undefined` for a number outside the enumeration as well.
  public var elementKind = ONNXContainedKind.undefined
  public var tensors: [ONNXTensor] = []
  public var sparseTensors: [ONNXSparseTensor] = []
  public var sequences: [ONNXSequence] = []
  public var maps: [ONNXMap] = []
  public var optionals: [ONNXOptional] = []
  init() {}

  /// Reads a file that holds one sequence. Throws `.invalidModel` where the bytes are not a well-formed message.
  public init(parsing file: FileMapping, limits: WireLimits = WireLimits()) throws(PinionError) {
    try self.init(wire: file.all, limits: limits)
  }
}

/// An `OptionalProto`; the member that `elementKind` names is nil where the optional is empty.
public struct ONNXOptional: Sendable {
  public var name = ""
  /// `.undefined` for a number outside the enumeration as well.
  public var elementKind = ONNXContainedKind.undefined
  public var tensor: ONNXTensor? { tensors.first }
  public var sparseTensor: ONNXSparseTensor? { sparseTensors.first }
  public var sequence: ONNXSequence? { sequences.first }
  public var map: ONNXMap? { maps.first }
  public var optional: ONNXOptional? { optionals.first }
  private var tensors: [ONNXTensor] = []
  private var sparseTensors: [ONNXSparseTensor] = []
  private var sequences: [ONNXSequence] = []
  private var maps: [ONNXMap] = []
  private var optionals: [ONNXOptional] = []
  init() {}

  /// Reads a file that holds one optional. Throws `.invalidModel` where the bytes are not a well-formed message.
  public init(parsing file: FileMapping, limits: WireLimits = WireLimits()) throws(PinionError) {
    try self.init(wire: file.all, limits: limits)
  }
}

/// A `MapProto`: keys in one of two lists, values in the same order.
public struct ONNXMap: Sendable {
  public var name = ""
  /// A raw `TensorProto.DataType` number.
  public var keyType: Int32 = 0
  /// Keys of an integer type.
  public var keys: [Int64] = []
  public var stringKeys: [MappedBytes] = []
  public var values: ONNXSequence? { valueSequences.first }
  private var valueSequences: [ONNXSequence] = []
  init() {}

  /// Reads a file that holds one map. Throws `.invalidModel` where the bytes are not a well-formed message.
  public init(parsing file: FileMapping, limits: WireLimits = WireLimits()) throws(PinionError) {
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
    case (3, _): return try reader.append(to: &keys, type)
    case (4, .bytes): try reader.append(to: &stringKeys)
    case (5, .bytes): try reader.merge(intoOnly: &valueSequences)
    default: return false
    }
    return true
  }
}
