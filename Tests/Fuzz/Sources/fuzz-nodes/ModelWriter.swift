import PinionTensor

/// Writes ONNX messages: a varint, or bytes with their length, under a field number.
private struct Message {
  var bytes: [UInt8] = []

  private mutating func varint(_ value: UInt64) {
    var value = value
    while value > 0x7f {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: value))
  }

  mutating func int(_ field: UInt64, _ value: Int64) {
    varint(field << 3)
    varint(UInt64(bitPattern: value))
  }

  mutating func float(_ field: UInt64, _ value: Float) {
    varint(field << 3 | 5)
    for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) }
  }

  mutating func data(_ field: UInt64, _ content: [UInt8]) {
    varint(field << 3 | 2)
    varint(UInt64(truncatingIfNeeded: content.count))
    bytes += content
  }

  mutating func text(_ field: UInt64, _ content: String) { data(field, Array(content.utf8)) }
  mutating func message(_ field: UInt64, _ content: Message) { data(field, content.bytes) }
}

extension SeedTensor {
  fileprivate func message(name: String?) -> Message {
    var message = Message()
    for extent in dims { message.int(1, Int64(extent)) }
    message.int(2, Int64(element.rawValue))
    if let name { message.text(8, name) }
    // The data come last, so that a constant that the reader leaves in the file ends where the file does.
    if element == .string { for string in strings { message.data(6, string) } } else { message.data(9, packed) }
    return message
  }

  /// The bytes as a file has them.
  private var packed: [UInt8] {
    let bits = element.bitWidth
    guard bits < 8 else { return bytes }
    let share = 8 / bits
    var result = [UInt8](repeating: 0, count: (bytes.count + share - 1) / share)
    for (index, byte) in bytes.enumerated() {
      result[index / share] |= (byte & UInt8(truncatingIfNeeded: (1 << bits) - 1)) << UInt8(truncatingIfNeeded: index % share * bits)
    }
    return result
  }
}

extension Seed {
  func inputName(_ index: Int) -> String { "x\(inputs[index]?.alias ?? index)" }

  /// The inputs that the caller of the model gives, in order.
  var fedInputs: [Int] { inputs.indices.filter { inputs[$0].map { !$0.isConstant && $0.alias == nil } ?? false } }

  /// The model as bytes of an ONNX file.
  func model() -> [UInt8] {
    var graph = Message()
    var node = Message()
    for (index, input) in inputs.enumerated() {
      let isComputed = input.map { inputs[$0.alias ?? index]?.isComputed ?? false } ?? false
      node.text(1, input == nil ? "" : isComputed ? inputName(index) + "c" : inputName(index))
    }
    for (index, isNamed) in outputs.enumerated() { node.text(2, isNamed ? "y\(index)" : "") }
    node.text(3, "n")
    node.text(4, name)
    for (name, value) in attributes { node.message(5, attribute(name, value)) }
    if !domain.isEmpty { node.text(7, domain) }
    var usesChoice = false
    for (index, input) in inputs.enumerated() where input?.isComputed == true && input?.alias == nil {
      // Where takes every element type, and keeps the shape for a condition that is a scalar.
      var copy = Message()
      for name in ["condition", inputName(index), inputName(index)] { copy.text(1, name) }
      copy.text(2, inputName(index) + "c")
      copy.text(4, "Where")
      graph.message(1, copy)
      usesChoice = true
    }
    graph.message(1, node)
    graph.text(2, "g")
    for index in fedInputs { if let input = inputs[index] { graph.message(11, info(inputName(index), input)) } }
    if usesChoice { graph.message(11, valueInfo("condition", tensorType(.bool, dims: []))) }
    for (index, isNamed) in outputs.enumerated() where isNamed {
      var output = Message()
      output.text(1, "y\(index)")
      graph.message(12, output)
    }
    for (index, input) in inputs.enumerated() {
      guard let input, input.isConstant, input.alias == nil, case .tensor(let tensor) = input.value else { continue }
      graph.message(5, tensor.message(name: inputName(index)))
    }
    var file = Message()
    file.int(1, 10)
    for (domain, version) in [("", domain.isEmpty ? opset : 21), (self.domain, opset)] {
      var opset = Message()
      opset.text(1, domain)
      opset.int(2, Int64(version))
      file.message(8, opset)
      if self.domain.isEmpty { break }
    }
    file.message(7, graph)
    return file.bytes
  }

  var isConditionFed: Bool { inputs.contains { $0?.isComputed == true && $0?.alias == nil } }

  private func tensorType(_ element: ElementType, dims: [Int]?) -> [UInt8] {
    var tensor = Message()
    tensor.int(1, Int64(element.rawValue))
    if let dims {
      var shape = Message()
      for extent in dims {
        var dimension = Message()
        dimension.int(1, Int64(extent))
        shape.message(1, dimension)
      }
      tensor.message(2, shape)
    }
    var type = Message()
    type.message(1, tensor)
    return type.bytes
  }

  private func valueInfo(_ name: String, _ type: [UInt8]) -> Message {
    var info = Message()
    info.text(1, name)
    info.data(2, type)
    return info
  }

  private func info(_ name: String, _ input: SeedInput) -> Message {
    if let declared = input.declared { return valueInfo(name, declared) }
    guard case .tensor(let tensor) = input.value else { return valueInfo(name, tensorType(.float32, dims: nil)) }
    return valueInfo(name, tensorType(tensor.element, dims: input.declaresShape ? tensor.dims : nil))
  }

  private func attribute(_ name: String, _ value: SeedAttribute) -> Message {
    var message = Message()
    message.text(1, name)
    switch value {
    case .int(let value):
      message.int(3, value)
      message.int(20, 2)
    case .ints(let values):
      for value in values { message.int(8, value) }
      message.int(20, 7)
    case .float(let value):
      message.float(2, value)
      message.int(20, 1)
    case .floats(let values):
      for value in values { message.float(7, value) }
      message.int(20, 6)
    case .string(let bytes):
      message.data(4, bytes)
      message.int(20, 3)
    case .strings(let strings):
      for bytes in strings { message.data(9, bytes) }
      message.int(20, 8)
    case .tensor(let tensor):
      message.message(5, tensor.message(name: nil))
      message.int(20, 4)
    case .graph(let bytes):
      message.data(6, bytes)
      message.int(20, 5)
    case .type(let bytes):
      message.data(14, bytes)
      message.int(20, 13)
    }
    return message
  }
}
