import PinionTensor

/// Protobuf fields as the encoding specification lays them down.
struct Wire {
  var bytes: [UInt8] = []

  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest > 0x7f {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func int(_ number: Int, _ value: Int) {
    varint(UInt64(number << 3))
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func data(_ number: Int, _ value: some Collection<UInt8>) {
    varint(UInt64(number << 3 | 2))
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  mutating func text(_ number: Int, _ value: String) { data(number, Array(value.utf8)) }
  mutating func message(_ number: Int, _ value: Wire) { data(number, value.bytes) }

  mutating func float(_ number: Int, _ value: Float) {
    varint(UInt64(number << 3 | 5))
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }
}

extension ModelSpec {
  /// The model as a file.
  func encoded() -> [UInt8] {
    var wire = Wire()
    wire.int(1, 10)
    wire.text(2, "random-graphs")
    wire.message(7, graph.encoded(name: "random"))
    wire.message(8, Wire(domain: "", version: opset))
    wire.message(8, Wire(domain: "ai.onnx.ml", version: mlOpset))
    wire.message(8, Wire(domain: "com.microsoft", version: 1))
    for domain in ["ai.onnx.preview", "ai.onnx.preview.training"] where uses(domain, graph) { wire.message(8, Wire(domain: domain, version: 1)) }
    if !functions.isEmpty { wire.message(8, Wire(domain: "test", version: 1)) }
    for function in functions { wire.message(25, function.encoded()) }
    return wire.bytes
  }

  private func uses(_ domain: String, _ graph: GraphSpec) -> Bool {
    graph.nodes.contains { $0.domain == domain || $0.subgraphs.contains { uses(domain, $0) } }
  }
}

extension Wire {
  init(domain: String, version: Int) {
    if !domain.isEmpty { text(1, domain) }
    int(2, version)
  }

  init(_ type: ValueType) {
    var inner = Wire()
    switch type {
    case .tensor(let element, let dims):
      inner.int(1, Int(element.rawValue))
      if let dims {
        var shape = Wire()
        for dimension in dims {
          var field = Wire()
          switch dimension {
          case .known(let extent): field.int(1, extent)
          case .symbol(let name): field.text(2, name)
          case .unknown: break
          }
          shape.message(1, field)
        }
        inner.message(2, shape)
      }
      message(1, inner)
    case .sequence(let element):
      inner.message(1, Wire(element))
      message(4, inner)
    case .optional(let element):
      inner.message(1, Wire(element))
      message(9, inner)
    case .map(let key, let value):
      inner.int(1, Int(key.rawValue))
      inner.message(2, Wire(value))
      message(5, inner)
    }
  }

  /// A TensorProto. Elements of less than a byte are packed, the first in the low bits.
  init(_ tensor: Tensor, name: String = "") {
    for extent in tensor.shape.dims { int(1, extent) }
    int(2, Int(tensor.element.rawValue))
    if !name.isEmpty { text(8, name) }
    switch tensor.element {
    case .string:
      for element in UnsafeBufferPointer(start: tensor.data.assumingMemoryBound(to: StringElement.self), count: tensor.count) {
        data(6, element.bytes)
      }
    case let element where element.bitWidth < 8:
      let perByte = 8 / element.bitWidth, mask = UInt8(1 << element.bitWidth - 1)
      var packed = [UInt8](repeating: 0, count: (tensor.count + perByte - 1) / perByte)
      for (index, byte) in tensor.bytes.enumerated() { packed[index / perByte] |= (byte & mask) << UInt8(index % perByte * element.bitWidth) }
      data(9, packed)
    default: data(9, tensor.bytes)
    }
  }
}

extension ValueSpec {
  fileprivate func encoded() -> Wire {
    var wire = Wire()
    wire.text(1, name)
    if let type { wire.message(2, Wire(type)) }
    return wire
  }
}

extension GraphSpec {
  func encoded(name: String) -> Wire {
    var wire = Wire()
    for node in nodes { wire.message(1, node.encoded()) }
    wire.text(2, name)
    for (name, tensor) in initializers { wire.message(5, Wire(tensor, name: name)) }
    for input in inputs { wire.message(11, input.encoded()) }
    for output in outputs { wire.message(12, output.encoded()) }
    return wire
  }
}

extension NodeSpec {
  func encoded() -> Wire {
    var wire = Wire()
    for input in inputs { wire.text(1, input) }
    for output in outputs { wire.text(2, output) }
    wire.text(4, op)
    for (name, value) in attributes {
      var field = Wire()
      field.text(1, name)
      switch value {
      case .float(let number):
        field.float(2, number)
        field.int(20, 1)
      case .int(let number):
        field.int(3, number)
        field.int(20, 2)
      case .string(let string):
        field.text(4, string)
        field.int(20, 3)
      case .tensor(let tensor):
        field.message(5, Wire(tensor))
        field.int(20, 4)
      case .graph(let graph):
        field.message(6, graph.encoded(name: "body\(id)"))
        field.int(20, 5)
      case .floats(let numbers):
        for number in numbers { field.float(7, number) }
        field.int(20, 6)
      case .ints(let numbers):
        for number in numbers { field.int(8, number) }
        field.int(20, 7)
      case .strings(let strings):
        for string in strings { field.text(9, string) }
        field.int(20, 8)
      case .type(let type):
        field.message(14, Wire(type))
        field.int(20, 13)
      case .reference(let name, let kind):
        field.text(21, name)
        field.int(20, kind)
      }
      wire.message(5, field)
    }
    if !domain.isEmpty { wire.text(7, domain) }
    return wire
  }
}

extension FunctionSpec {
  func encoded() -> Wire {
    var wire = Wire()
    wire.text(1, name)
    for input in inputs { wire.text(4, input) }
    for output in outputs { wire.text(5, output) }
    for attribute in attributes { wire.text(6, attribute) }
    for node in nodes { wire.message(7, node.encoded()) }
    wire.message(9, Wire(domain: "", version: opset))
    wire.message(9, Wire(domain: "ai.onnx.ml", version: 3))
    wire.message(9, Wire(domain: "com.microsoft", version: 1))
    wire.text(10, domain)
    return wire
  }
}
