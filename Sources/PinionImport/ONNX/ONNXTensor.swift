import PinionBase
import PinionTensor

/// A `TensorProto`. Its elements stay in the file until `decode(into:externalData:)`.
package struct ONNXTensor: Sendable {
  package var name = ONNXName()
  package var dims: [Int64] = []
  /// A `TensorProto.DataType` number, which may be none that this build knows.
  package var dataType: Int32 = 0
  package var elementType: ElementType? { ElementType(rawValue: dataType) }
  /// Whether the elements lie in a file of their own, named by `externalData`.
  package var isExternal = false
  /// Keys and values as in the file, see `externalRange()`.
  package var externalData: [ONNXEntry] = []
  /// The raw_data field, nil where the elements are elsewhere.
  package var rawData: MappedBytes?
  /// Whether the tensor says to be a part of a larger one, which nothing supports.
  package var isSegment = false

  /// The message's bytes, in which the typed data fields are looked up when they are decoded.
  private(set) var firstPart: MappedBytes?
  /// Those of a message that came in parts: hardly any does, and a list for each of very many tensors takes long to give back.
  private(set) var furtherParts: [MappedBytes] = []

  init() {}

  /// Reads a file that holds one tensor. Throws `.invalidModel` where the bytes are not a well-formed message.
  package init(parsing file: FileMapping, limits: WireLimits = WireLimits()) throws(PinionError) {
    try self.init(wire: file.all, limits: limits)
  }
}

/// A `SparseTensorProto`.
package struct ONNXSparseTensor: Sendable {
  /// Shape [NNZ]; its name is the sparse tensor's.
  package var values: ONNXTensor? { valueTensors.first }
  /// Shape [NNZ, rank], or [NNZ] for indices into the flattened tensor.
  package var indices: ONNXTensor? { indexTensors.first }
  package var dims: [Int64] = []
  private var valueTensors: [ONNXTensor] = []
  private var indexTensors: [ONNXTensor] = []
  init() {}
}

extension ONNXTensor: WireMessage {
  mutating func merge(_ reader: inout WireReader) throws(PinionError) {
    if firstPart == nil {
      firstPart = reader.remaining
    } else {
      try reader.budget.take(MemoryLayout<MappedBytes>.stride &* 2)
      furtherParts.append(reader.remaining)
    }
    try readFields(&reader)
  }

  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, _): return try reader.append(to: &dims, 1, type)
    case (2, .varint): dataType = Int32(truncatingIfNeeded: try reader.varint())
    case (3, .bytes):
      isSegment = true
      _ = try reader.rawBytes()
    case (8, .bytes): name = try reader.name()
    case (9, .bytes): rawData = try reader.mappedBytes()
    case (13, .bytes): try reader.append(to: &externalData)
    case (14, .varint): takeLocation(try reader.varint())
    default: return false
    }
    return true
  }

  /// A value outside the enumeration counts as an unknown field.
  private mutating func takeLocation(_ value: UInt64) {
    switch Int32(truncatingIfNeeded: value) {
    case 0: isExternal = false
    case 1: isExternal = true
    default: break
    }
  }
}

extension ONNXSparseTensor: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): try reader.merge(intoOnly: &valueTensors)
    case (2, .bytes): try reader.merge(intoOnly: &indexTensors)
    case (3, _): return try reader.append(to: &dims, 3, type)
    default: return false
    }
    return true
  }
}
