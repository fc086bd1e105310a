import PinionBase

/// The name and type of a graph input, output or inner value.
package struct ONNXValueInfo: Sendable {
  package var name = ONNXName()
  /// nil where the file gives no type.
  package var type: ONNXType?
  init() {}
}

package enum ONNXDimension: Sendable, Equatable {
  case value(Int64)
  /// A symbol that stands for the same extent wherever it appears; never empty.
  case parameter(String)
  case unknown
}

/// A `TypeProto`. Element and key types are raw `TensorProto.DataType` numbers.
package indirect enum ONNXType: Sendable, Equatable {
  case undefined
  /// `shape` is nil where the rank is unknown.
  case tensor(elementType: Int32, shape: [ONNXDimension]?)
  case sparseTensor(elementType: Int32, shape: [ONNXDimension]?)
  case sequence(ONNXType)
  case map(keyType: Int32, value: ONNXType)
  case optional(ONNXType)
  case opaque(domain: String, name: String)
}

extension ONNXValueInfo: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): name = try reader.name()
    case (2, .bytes): try reader.merge(into: &self.type)
    default: return false
    }
    return true
  }
}

extension WireReader {
  mutating func merge(into type: inout ONNXType?) throws(PinionError) {
    var merged = type ?? .undefined
    try merge(into: &merged)
    type = merged
  }
}

extension ONNXType: WireMessage {
  init() { self = .undefined }

  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    guard type == .bytes else { return false }
    switch number {
    case 1:
      var fields = TensorTypeFields()
      if case .tensor(let elementType, let shape) = self { fields = TensorTypeFields(elementType: elementType, shape: shape) }
      try reader.merge(into: &fields)
      self = .tensor(elementType: fields.elementType, shape: fields.shape)
    case 8:
      var fields = TensorTypeFields()
      if case .sparseTensor(let elementType, let shape) = self { fields = TensorTypeFields(elementType: elementType, shape: shape) }
      try reader.merge(into: &fields)
      self = .sparseTensor(elementType: fields.elementType, shape: fields.shape)
    case 4:
      var fields = ElementTypeFields()
      if case .sequence(let element) = self { fields.element = element }
      try reader.merge(into: &fields)
      self = .sequence(fields.element)
    case 9:
      var fields = ElementTypeFields()
      if case .optional(let element) = self { fields.element = element }
      try reader.merge(into: &fields)
      self = .optional(fields.element)
    case 5:
      var fields = MapTypeFields()
      if case .map(let keyType, let value) = self { fields = MapTypeFields(keyType: keyType, value: value) }
      try reader.merge(into: &fields)
      self = .map(keyType: fields.keyType, value: fields.value)
    case 7:
      var fields = OpaqueTypeFields()
      if case .opaque(let domain, let name) = self { fields = OpaqueTypeFields(domain: domain, name: name) }
      try reader.merge(into: &fields)
      self = .opaque(domain: fields.domain, name: fields.name)
    default: return false
    }
    return true
  }
}

/// `TypeProto.Tensor` and `TypeProto.SparseTensor`, which share one layout.
private struct TensorTypeFields: WireMessage {
  var elementType: Int32 = 0
  var shape: [ONNXDimension]?

  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .varint): elementType = Int32(truncatingIfNeeded: try reader.varint())
    case (2, .bytes):
      var fields = ShapeFields(dimensions: shape ?? [])
      try reader.merge(into: &fields)
      shape = fields.dimensions
    default: return false
    }
    return true
  }
}

private struct ShapeFields: WireMessage {
  var dimensions: [ONNXDimension] = []

  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    guard number == 1, type == .bytes else { return false }
    try reader.append(to: &dimensions)
    return true
  }
}

extension ONNXDimension: WireMessage {
  init() { self = .unknown }

  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .varint): self = .value(Int64(bitPattern: try reader.varint()))
    case (2, .bytes):
      let name = try reader.string()
      self = name.isEmpty ? .unknown : .parameter(name)
    default: return false
    }
    return true
  }
}

/// `TypeProto.Sequence` and `TypeProto.Optional`, which share one layout.
private struct ElementTypeFields: WireMessage {
  var element = ONNXType.undefined

  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    guard number == 1, type == .bytes else { return false }
    try reader.merge(into: &element)
    return true
  }
}

private struct MapTypeFields: WireMessage {
  var keyType: Int32 = 0
  var value = ONNXType.undefined

  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .varint): keyType = Int32(truncatingIfNeeded: try reader.varint())
    case (2, .bytes): try reader.merge(into: &value)
    default: return false
    }
    return true
  }
}

private struct OpaqueTypeFields: WireMessage {
  var domain = ""
  var name = ""

  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): domain = try reader.string()
    case (2, .bytes): name = try reader.string()
    default: return false
    }
    return true
  }
}
