import PinionTensor

/// The value of a node's attribute.
public enum AttributeValue: Sendable {
  case int(Int64)
  case float(Float)
  case string(String)
  case ints([Int64])
  case floats([Float])
  case strings([String])
  case tensor(Tensor)
  case tensors([Tensor])
  /// The subgraph at this index of the node's `subgraphs`.
  case graph(Int)
  case type(ValueType)

  /// ONNX's name of the kind, as in error messages.
  public var kind: String {
    switch self {
    case .int: "INT"
    case .float: "FLOAT"
    case .string: "STRING"
    case .ints: "INTS"
    case .floats: "FLOATS"
    case .strings: "STRINGS"
    case .tensor: "TENSOR"
    case .tensors: "TENSORS"
    case .graph: "GRAPH"
    case .type: "TYPE_PROTO"
    }
  }
}

extension AttributeValue: Equatable {
  public static func == (a: AttributeValue, b: AttributeValue) -> Bool {
    switch (a, b) {
    case (.int(let x), .int(let y)): x == y
    case (.float(let x), .float(let y)): x == y
    case (.string(let x), .string(let y)): x == y
    case (.ints(let x), .ints(let y)): x == y
    case (.floats(let x), .floats(let y)): x == y
    case (.strings(let x), .strings(let y)): x == y
    case (.tensor(let x), .tensor(let y)): x.hasSameContents(as: y)
    case (.tensors(let x), .tensors(let y)): x.count == y.count && zip(x, y).allSatisfy { $0.hasSameContents(as: $1) }
    case (.type(let x), .type(let y)): x == y
    default: false
    }
  }
}

extension Tensor {
  /// True where type, shape and every bit agree.
  public func hasSameContents(as other: Tensor) -> Bool {
    guard type == other.type else { return false }
    if data == other.data { return true }
    guard element != .string else {
      let a = data.assumingMemoryBound(to: StringElement.self), b = other.data.assumingMemoryBound(to: StringElement.self)
      return (0..<count).allSatisfy { a[$0] == b[$0] }
    }
    return bytes.elementsEqual(other.bytes)
  }
}
