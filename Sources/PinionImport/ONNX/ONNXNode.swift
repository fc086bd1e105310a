import PinionBase

package struct ONNXNode: Sendable {
  /// An empty name stands for an optional input that is not given.
  package var inputs: [ONNXName] = []
  /// An empty name stands for an optional output that is not wanted.
  package var outputs: [ONNXName] = []
  package var name = ""
  package var opType = ONNXName()
  package var domain = ONNXName()
  package var overload = ""
  package var attributes: [ONNXAttribute] = []
  /// Whether an attribute is a graph.
  var hasGraphs: Bool { attributes.contains { $0.g != nil } }
  init() {}
}

/// The member of an attribute that carries its value; the raw values are those of `AttributeProto.AttributeType`.
package enum ONNXAttributeKind: Int32, Sendable, CaseIterable {
  case undefined = 0
  case float = 1
  case int = 2
  case string = 3
  case tensor = 4
  case graph = 5
  case floats = 6
  case ints = 7
  case strings = 8
  case tensors = 9
  case graphs = 10
  case sparseTensor = 11
  case sparseTensors = 12
  case type = 13
  case types = 14
}

package struct ONNXAttribute: Sendable {
  package var name = ""
  /// Inside a function's body: the attribute of the call that gives the value. Empty otherwise.
  package var refAttrName = ""
  /// The file's type field; where that is missing, as in files of IR version 1, the member that is present.
  package var kind: ONNXAttributeKind { declaredKind == .undefined ? presentKind : declaredKind }
  package var f: Float { scalarF ?? 0 }
  package var i: Int64 { scalarI ?? 0 }
  /// UTF-8 text as a rule, but any bytes are allowed; nil where absent.
  package var s: MappedBytes?
  package var t: ONNXTensor? { onlyTensor.first }
  package var g: ONNXGraph? { onlyGraph.first }
  package var sparseTensor: ONNXSparseTensor? { onlySparseTensor.first }
  package var tp: ONNXType?
  package var floats: [Float] = []
  package var ints: [Int64] = []
  package var strings: [MappedBytes] = []
  package var tensors: [ONNXTensor] = []
  package var graphs: [ONNXGraph] = []
  package var sparseTensors: [ONNXSparseTensor] = []
  package var types: [ONNXType] = []

  private var declaredKind = ONNXAttributeKind.undefined
  private var scalarF: Float?
  private var scalarI: Int64?
  private var onlyTensor: [ONNXTensor] = []
  private var onlyGraph: [ONNXGraph] = []
  private var onlySparseTensor: [ONNXSparseTensor] = []

  init() {}

  private var presentKind: ONNXAttributeKind {
    if scalarF != nil { return .float }
    if scalarI != nil { return .int }
    if s != nil { return .string }
    if !onlyTensor.isEmpty { return .tensor }
    if !onlyGraph.isEmpty { return .graph }
    if !floats.isEmpty { return .floats }
    if !ints.isEmpty { return .ints }
    if !strings.isEmpty { return .strings }
    if !tensors.isEmpty { return .tensors }
    if !graphs.isEmpty { return .graphs }
    if !onlySparseTensor.isEmpty { return .sparseTensor }
    if !sparseTensors.isEmpty { return .sparseTensors }
    if tp != nil { return .type }
    return types.isEmpty ? .undefined : .types
  }
}

extension ONNXNode: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): try reader.append(to: &inputs)
    case (2, .bytes): try reader.append(to: &outputs)
    case (3, .bytes): name = try reader.string()
    case (4, .bytes): opType = try reader.name()
    case (5, .bytes): try reader.append(to: &attributes)
    case (7, .bytes): domain = try reader.name()
    case (8, .bytes): overload = try reader.string()
    default: return false
    }
    return true
  }
}

extension ONNXAttribute: WireMessage {
  mutating func readField(_ number: Int, _ type: WireType, from reader: inout WireReader) throws(PinionError) -> Bool {
    switch (number, type) {
    case (1, .bytes): name = try reader.string()
    case (2, .fixed32): scalarF = Float(bitPattern: try reader.fixed32())
    case (3, .varint): scalarI = Int64(bitPattern: try reader.varint())
    case (4, .bytes): s = try reader.mappedBytes()
    case (5, .bytes): try reader.merge(intoOnly: &onlyTensor)
    case (6, .bytes): try reader.merge(intoOnly: &onlyGraph)
    case (7, _): return try reader.append(to: &floats, 7, type)
    case (8, _): return try reader.append(to: &ints, 8, type)
    case (9, .bytes): try reader.append(to: &strings)
    case (10, .bytes): try reader.append(to: &tensors)
    case (11, .bytes): try reader.append(to: &graphs)
    case (14, .bytes): try reader.merge(into: &tp)
    case (15, .bytes): try reader.append(to: &types)
    case (20, .varint): takeKind(try reader.varint())
    case (21, .bytes): refAttrName = try reader.string()
    case (22, .bytes): try reader.merge(intoOnly: &onlySparseTensor)
    case (23, .bytes): try reader.append(to: &sparseTensors)
    default: return false
    }
    return true
  }

  /// A value outside the enumeration counts as an unknown field and leaves the kind as it was.
  private mutating func takeKind(_ value: UInt64) {
    if let kind = ONNXAttributeKind(rawValue: Int32(truncatingIfNeeded: value)) { declaredKind = kind }
  }
}
