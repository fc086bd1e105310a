import PinionBase

/// A `ModelProto`. Strings, tensor data and attribute bytes that are not copied keep the file's mapping alive.
package struct ONNXModel: Sendable {
  package var irVersion: Int64 = 0
  package var opsetImports: [ONNXOpset] = []
  package var producerName = ""
  package var producerVersion = ""
  package var domain = ""
  package var modelVersion: Int64 = 0
  package var docString = ""
  /// nil where the file has no graph field.
  package var graph: ONNXGraph? { graphs.first }
  package var metadata: [ONNXEntry] = []
  package var functions: [ONNXFunction] = []
  private var graphs: [ONNXGraph] = []
  /// How many names the file has, see `ONNXName`.
  private(set) var nameCount = 1

  init() {}

  /// Reads a model. Throws `.invalidModel` where the bytes are not a well-formed message or exceed `limits`.
  package init(parsing file: FileMapping, limits: WireLimits = WireLimits()) throws(PinionError) {
    var reader = WireReader(file.all, limits: limits)
    try merge(&reader)
    nameCount = reader.budget.names.count
  }
}

/// An operator set that a model or function uses. The domain of the standard operators is the empty string.
package struct ONNXOpset: Sendable {
  package var domain = ""
  package var version: Int64 = 0
  init() {}
}

/// A `StringStringEntryProto`.
package struct ONNXEntry: Sendable {
  package var key = ""
  package var value = ""
  init() {}
}

package struct ONNXGraph: Sendable {
  package var name = ""
  package var nodes: [ONNXNode] = []
  package var initializers: [ONNXTensor] = []
  package var sparseInitializers: [ONNXSparseTensor] = []
  package var inputs: [ONNXValueInfo] = []
  package var outputs: [ONNXValueInfo] = []
  package var valueInfos: [ONNXValueInfo] = []
  package var docString = ""
  package var metadata: [ONNXEntry] = []
  init() {}
}

/// A `FunctionProto`: a node type defined by a model.
package struct ONNXFunction: Sendable {
  package var name = ""
  package var domain = ""
  package var overload = ""
  package var inputs: [ONNXName] = []
  package var outputs: [ONNXName] = []
  /// The attributes that a call has to give.
  package var attributeNames: [String] = []
  /// The attributes that a call may give, with their defaults.
  package var attributeDefaults: [ONNXAttribute] = []
  package var nodes: [ONNXNode] = []
  package var opsetImports: [ONNXOpset] = []
  package var valueInfos: [ONNXValueInfo] = []
  init() {}
}

extension ONNXModel: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .varint): irVersion = Int64(bitPattern: try reader.varint())
    case (2, .bytes): producerName = try reader.prose()
    case (3, .bytes): producerVersion = try reader.prose()
    case (4, .bytes): domain = try reader.prose()
    case (5, .varint): modelVersion = Int64(bitPattern: try reader.varint())
    case (6, .bytes): docString = try reader.prose()
    case (7, .bytes): try reader.merge(intoOnly: &graphs)
    case (8, .bytes): try reader.append(to: &opsetImports)
    case (14, .bytes): try reader.append(to: &metadata)
    case (25, .bytes): try reader.append(to: &functions)
    default: return false
    }
    return true
  }
}

extension ONNXOpset: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): domain = try reader.string()
    case (2, .varint): version = Int64(bitPattern: try reader.varint())
    default: return false
    }
    return true
  }
}

extension ONNXEntry: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): key = try reader.prose()
    case (2, .bytes): value = try reader.prose()
    default: return false
    }
    return true
  }
}

extension ONNXGraph: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): try reader.append(to: &nodes)
    case (2, .bytes): name = try reader.string()
    case (5, .bytes): try reader.append(to: &initializers)
    case (10, .bytes): docString = try reader.prose()
    case (11, .bytes): try reader.append(to: &inputs)
    case (12, .bytes): try reader.append(to: &outputs)
    case (13, .bytes): try reader.append(to: &valueInfos)
    case (15, .bytes): try reader.append(to: &sparseInitializers)
    case (16, .bytes): try reader.append(to: &metadata)
    default: return false
    }
    return true
  }
}

extension ONNXFunction: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): name = try reader.string()
    case (4, .bytes): try reader.append(to: &inputs)
    case (5, .bytes): try reader.append(to: &outputs)
    case (6, .bytes): try reader.append(to: &attributeNames)
    case (7, .bytes): try reader.append(to: &nodes)
    case (9, .bytes): try reader.append(to: &opsetImports)
    case (10, .bytes): domain = try reader.string()
    case (11, .bytes): try reader.append(to: &attributeDefaults)
    case (12, .bytes): try reader.append(to: &valueInfos)
    case (13, .bytes): overload = try reader.string()
    default: return false
    }
    return true
  }
}
