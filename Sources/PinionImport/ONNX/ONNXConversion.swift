import PinionBase
import PinionGraph
import PinionTensor

extension ElementType {
  init(onnx raw: Int32) throws(PinionError) {
    guard let type = ElementType(rawValue: raw) else {
      throw .unsupported("element type \(ElementType.name(onnx: raw)) is not supported")
    }
    self = type
  }

  /// What a message calls a `TensorProto.DataType`; those that ONNX has and Pinion has not by their names.
  static func name(onnx raw: Int32) -> String {
    switch raw {
    case 27: "float6e2m3"
    case 28: "float6e3m2"
    default: ElementType(rawValue: raw).map { "\($0)" } ?? "number \(raw)"
    }
  }
}

extension ValueType {
  init(onnx type: ONNXType) throws(PinionError) {
    switch type {
    case .tensor(let element, let shape):
      var dims: [Dimension]?
      if let shape {
        var list: [Dimension] = []
        for dimension in shape {
          switch dimension {
          case .value(let extent): list.append(Int(exactly: extent).flatMap { $0 >= 0 ? .known($0) : nil } ?? .unknown)
          case .parameter(let name): list.append(ValueType.meansNothing(name) ? .unknown : .symbol(name))
          case .unknown: list.append(.unknown)
          }
        }
        dims = list
      }
      self = .tensor(try ElementType(onnx: element), dims: dims)
    case .sequence(let element): self = try ValueType.sequence(ValueType(onnx: element)).allowed()
    case .optional(let element): self = try ValueType.optional(ValueType(onnx: element)).allowed()
    case .map(let key, let value): self = try ValueType.map(key: ElementType(onnx: key), value: ValueType(onnx: value)).allowed()
    case .sparseTensor: throw .unsupported("sparse tensors as inputs or outputs are not supported")
    case .opaque(let domain, let name): throw .unsupported("the opaque type \(domain).\(name) is not supported")
    case .undefined: throw .invalidModel("a value has no type")
    }
  }

  /// Whether a dimension's name says no more than that its extent is open: Paddle calls every such dimension "?", others None or -1. Taken for
  /// names they would have all of them equal.
  private static func meansNothing(_ name: String) -> Bool { ["", "?", "-1", "None"].contains(name) }

  /// nil for a type that the file leaves open.
  init?(onnxIfComplete type: ONNXType) throws(PinionError) {
    switch type {
    case .undefined, .tensor(elementType: 0, _): return nil
    default: try self.init(onnx: type)
    }
  }
}

extension Tensor {
  /// The tensor in the file's own memory where it lies there as kernels want it, else a copy, whose bytes count against the budget of the
  /// load.
  /// - Parameter small: what small tensors of the load share.
  init(
    onnx message: ONNXTensor, folder: ExternalDataFolder?, control: RunControl = RunControl(), small: SmallTensors = SmallTensors()
  ) throws(PinionError) {
    do throws(PinionError) {
      guard !message.isSegment else { throw .unsupported("segmented tensors are not supported") }
      let element = try ElementType(onnx: message.dataType)
      let type = try small.type(element, message.dims)
      if element == .string {
        var textBytes = 0
        try message.eachString(control: control) { (_, text) throws(PinionError) in textBytes = try textBytes.adding(text.count) }
        try control.takeBytes(try type.byteCount.adding(textBytes))
        var cursor = message.stringCursor(control: control)
        try self.init(type.shape) { (index) throws(PinionError) in
          // Each string is asked for twice, all of them in order.
          if index == 0 { cursor = message.stringCursor(control: control) }
          return try cursor.next()
        }
        return
      }
      if element.bitWidth >= 8, let bytes = try message.mappedBytes(externalData: folder, control: control), bytes.count == type.byteCount,
        let base = bytes.bytes.baseAddress
      {
        if bytes.isAligned(to: element.byteWidth) {
          self.init(type, data: UnsafeMutableRawPointer(mutating: base), owner: bytes.owner)
          return
        }
        if bytes.count >= Constant.leastMadeBytes {
          self = Constant.copied(bytes, at: base, type)
          return
        }
      }
      if element.bitWidth < 8, type.byteCount >= Constant.leastMadeBytes, let bytes = try message.mappedBytes(externalData: folder, control: control) {
        self = Constant.made(type) { (target, work) throws(PinionError) in
          let perByte = 8 / element.bitWidth
          // Pieces begin at whole bytes.
          try work.inPieces(of: 1 << 20, type.byteCount) { range in
            unpackNarrow(
              UnsafeRawBufferPointer(rebasing: bytes.bytes[(range.lowerBound / perByte)...]), element,
              into: UnsafeMutableRawBufferPointer(start: target + range.lowerBound, count: range.count))
          }
          bytes.owner.giveBack(bytes.bytes)
        }
        return
      }
      try control.takeBytes(type.byteCount)
      self = try small.tensor(type)
      let target = UnsafeMutableRawBufferPointer(start: data, count: type.byteCount)
      if element.bitWidth >= 8 {
        try message.decode(into: target, externalData: folder, control: control)
      } else {
        let memory = try Tensor(TensorType(.uint8, try Shape([try message.byteCount()])))
        let packed = UnsafeMutableRawBufferPointer(start: memory.data, count: memory.count)
        try message.decode(into: packed, externalData: folder, control: control)
        // Pieces begin at whole bytes.
        try inPieces(of: 1 << 20, target.count, control) { range in
          unpackNarrow(
            UnsafeRawBufferPointer(rebasing: packed[(range.lowerBound * element.bitWidth / 8)...]), element,
            into: UnsafeMutableRawBufferPointer(rebasing: target[range]))
        }
      }
    } catch {
      let named = error.message.hasPrefix("tensor '")
      throw PinionError(error.code, named ? error.message : "tensor '\(message.name.text)': \(error.message)")
    }
  }

  /// A dense tensor from the non-zero elements of a sparse one, whose bytes count against the budget of the load.
  init(
    onnx sparse: ONNXSparseTensor, folder: ExternalDataFolder?, control: RunControl, small: SmallTensors = SmallTensors()
  ) throws(PinionError) {
    guard let valuesMessage = sparse.values, let indicesMessage = sparse.indices else {
      throw .invalidModel("a sparse tensor lacks values or indices")
    }
    let values = try Tensor(onnx: valuesMessage, folder: folder, control: control, small: small)
    let indices = try Tensor(onnx: indicesMessage, folder: folder, control: control, small: small)
    var dims: [Int] = []
    for extent in sparse.dims { dims.append(try extent.converted()) }
    let type = TensorType(values.element, try Shape(dims))
    guard type.element != .string else { throw .unsupported("sparse string tensors are not supported") }
    let isLinear = indices.shape.rank == 1
    guard isLinear ? indices.count == values.count : indices.shape.dims == [values.count, type.rank] else {
      throw .invalidModel("sparse tensor '\(valuesMessage.name.text)': \(values.type) values with indices \(indices.type)")
    }
    try control.takeBytes(type.byteCount)
    try self.init(type)
    let memory = data
    try inPieces(of: 1 << 20, type.byteCount, control) { range in
      (memory + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
    }
    var poll = Poll(control)
    let width = type.element.byteWidth
    let strides = type.shape.strides
    for index in 0..<values.count {
      var offset = 0
      try poll.count(8 &* max(type.rank, 1))
      if isLinear {
        offset = try indices.integer(at: index).converted()
      } else {
        for axis in 0..<type.rank {
          let position = try indices.integer(at: index * type.rank + axis)
          guard position >= 0, position < type.dims[axis] else { throw .invalidModel("a sparse index is out of range") }
          offset += Int(position) * strides[axis]
        }
      }
      guard offset >= 0, offset < type.count else { throw .invalidModel("a sparse index is out of range") }
      (data + offset * width).copyMemory(from: values.data + index * width, byteCount: width)
    }
  }

  /// The value of a Constant node.
  init(
    constantNode node: ONNXNode, bindings: [String: ONNXAttribute], folder: ExternalDataFolder?, control: RunControl, small: SmallTensors
  ) throws(PinionError) {
    guard node.attributes.count == 1, var attribute = node.attributes.first else {
      throw .invalidModel("Constant has \(node.attributes.count) attributes, expected 1")
    }
    let name = attribute.name
    if !attribute.refAttrName.isEmpty {
      guard let bound = bindings[attribute.refAttrName] else { throw .invalidModel("attribute '\(attribute.refAttrName)' is missing") }
      attribute = bound
    }
    if name == "sparse_value", let sparse = attribute.sparseTensor {
      try self.init(onnx: sparse, folder: folder, control: control, small: small)
      return
    }
    switch (name, try AttributeValue(onnx: attribute, folder: folder, control: control, small: small)) {
    case ("value", .tensor(let tensor)): self = tensor
    case ("value_float", .float(let value)): try self.init(scalar: value)
    case ("value_floats", .floats(let values)): try self.init(vector: values)
    case ("value_int", .int(let value)): try self.init(scalar: value)
    case ("value_ints", .ints(let values)): try self.init(vector: values)
    case ("value_string", .string(let value)): try self.init(strings: [value], .scalar)
    case ("value_strings", .strings(let values)): try self.init(strings: values, .vector(values.count))
    case (_, let value): throw .invalidModel("Constant has attribute '\(name)' of kind \(value.kind)")
    }
  }
}

/// Gives each element of a 2- or 4-bit type a byte of its own, sign-extended for the signed types.
package func unpackNarrow(_ packed: UnsafeRawBufferPointer, _ type: ElementType, into target: UnsafeMutableRawBufferPointer) {
  let bits = type.bitWidth
  let perByte = 8 / bits
  let mask = UInt8((1 << bits) - 1)
  let signBit = UInt8(1 << (bits - 1))
  for index in target.indices where index / perByte < packed.count {
    var value = (packed[index / perByte] >> UInt8(index % perByte * bits)) & mask
    if type.isSignedInteger, value & signBit != 0 { value |= ~mask }
    target[index] = value
  }
}

extension AttributeValue {
  /// - Parameter control: the limits of the load.
  init(
    onnx attribute: ONNXAttribute, folder: ExternalDataFolder?, control: RunControl, small: SmallTensors = SmallTensors()
  ) throws(PinionError) {
    switch attribute.kind {
    case .float: self = .float(attribute.f)
    case .int: self = .int(attribute.i)
    case .string: self = .string(attribute.s?.repairedText ?? "")
    case .floats: self = .floats(attribute.floats)
    case .ints: self = .ints(attribute.ints)
    case .strings:
      var strings: [String] = []
      strings.reserveCapacity(attribute.strings.count)
      var poll = Poll(control)
      for bytes in attribute.strings {
        try poll.count(32 &+ bytes.count / 16)
        strings.append(bytes.repairedText)
      }
      self = .strings(strings)
    case .tensor:
      guard let tensor = attribute.t else { throw .invalidModel("attribute '\(attribute.name)' has no tensor") }
      self = .tensor(try Tensor(onnx: tensor, folder: folder, control: control, small: small))
    case .tensors:
      var tensors: [Tensor] = []
      for tensor in attribute.tensors { tensors.append(try Tensor(onnx: tensor, folder: folder, control: control, small: small)) }
      self = .tensors(tensors)
    case .type:
      guard let type = attribute.tp else { throw .invalidModel("attribute '\(attribute.name)' has no type") }
      self = .type(try ValueType(onnx: type))
    case .graph, .graphs, .sparseTensor, .sparseTensors, .types, .undefined:
      throw .unsupported("attribute '\(attribute.name)' is of kind \(attribute.kind)")
    }
  }
}
