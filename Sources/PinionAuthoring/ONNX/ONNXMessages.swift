import PinionBase
import PinionGraph
import PinionTensor

/// The messages of ONNX's schema, by their field numbers in onnx.proto.
extension WireWriter {
  /// A ValueInfoProto.
  mutating func valueInfo(_ field: Int, _ name: String, _ type: ValueType?) throws(PinionError) {
    try message(field) { (info) throws(PinionError) in
      info.string(1, name)
      if let type { try info.type(2, type) }
    }
  }

  /// A TypeProto.
  mutating func type(_ field: Int, _ type: ValueType) throws(PinionError) {
    try message(field) { (proto) throws(PinionError) in
      switch type {
      case .tensor(let element, let dims):
        try proto.message(1) { (tensor) throws(PinionError) in
          tensor.int(1, Int64(element.rawValue))
          if let dims { try tensor.message(2) { (shape) throws(PinionError) in for dimension in dims { try shape.dimension(dimension) } } }
        }
      case .sequence(let element): try proto.message(4) { (sequence) throws(PinionError) in try sequence.type(1, element) }
      case .map(let key, let value):
        try proto.message(5) { (map) throws(PinionError) in
          map.int(1, Int64(key.rawValue))
          try map.type(2, value)
        }
      case .optional(let content): try proto.message(9) { (optional) throws(PinionError) in try optional.type(1, content) }
      }
    }
  }

  private mutating func dimension(_ dimension: Dimension) throws(PinionError) {
    try message(1) { proto in
      switch dimension {
      case .known(let extent): proto.int(1, Int64(extent))
      case .symbol(let name): proto.string(2, name)
      case .unknown: break
      }
    }
  }

  /// A TensorProto.
  /// - Parameter external: takes the elements of large tensors; nil for all of them here.
  mutating func tensor(_ field: Int, _ name: String, _ tensor: Tensor, external: ExternalData?) throws(PinionError) {
    try message(field) { (proto) throws(PinionError) in
      try proto.ints(1, tensor.shape.dims.map(Int64.init))
      proto.int(2, Int64(tensor.element.rawValue))
      proto.optionalString(8, name)
      if tensor.element == .string {
        for element in try tensor.unsafeElements(as: StringElement.self) { proto.blob(6, element.bytes) }
      } else if let external, try tensor.fileBytes() >= ONNXOptions.leastExternalBytes {
        let (offset, count) = try external.place(tensor)
        for (key, value) in [("location", external.location), ("offset", "\(offset)"), ("length", "\(count)")] {
          try proto.message(13) { entry in
            entry.string(1, key)
            entry.string(2, value)
          }
        }
        proto.int(14, 1)
      } else {
        try proto.raw(9, tensor)
      }
    }
  }

  /// An AttributeProto of anything but a graph.
  mutating func attribute(_ field: Int, _ name: String, _ value: AttributeValue) throws(PinionError) {
    try message(field) { (proto) throws(PinionError) in
      proto.string(1, name)
      switch value {
      case .float(let number):
        proto.float(2, number)
        proto.int(20, 1)
      case .int(let number):
        proto.int(3, number)
        proto.int(20, 2)
      case .string(let text):
        proto.string(4, text)
        proto.int(20, 3)
      case .tensor(let tensor):
        try proto.tensor(5, "", tensor, external: nil)
        proto.int(20, 4)
      case .floats(let numbers):
        try proto.floats(7, numbers)
        proto.int(20, 6)
      case .ints(let numbers):
        try proto.ints(8, numbers)
        proto.int(20, 7)
      case .strings(let texts):
        for text in texts { proto.string(9, text) }
        proto.int(20, 8)
      case .tensors(let tensors):
        for tensor in tensors { try proto.tensor(10, "", tensor, external: nil) }
        proto.int(20, 9)
      case .type(let type):
        try proto.type(14, type)
        proto.int(20, 13)
      case .graph: throw .internal("attribute '\(name)' is a graph")
      }
    }
  }

  /// An AttributeProto of a graph.
  mutating func attribute(_ field: Int, _ name: String, graph: WireWriter) throws(PinionError) {
    try message(field) { (proto) throws(PinionError) in
      proto.string(1, name)
      try proto.message(6, graph)
      proto.int(20, 5)
    }
  }
}
