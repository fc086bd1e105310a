import PinionBase

/// ONNX's containers do not nest. Whatever makes one checks that here, so that types and values have a depth that every walk over
/// them can rely on.
extension ValueType {
  /// Whether the type is one that ONNX has: a tensor, a map to tensors, a sequence of either, or an optional tensor or sequence of
  /// tensors.
  public var isAllowed: Bool {
    switch self {
    case .tensor, .map(_, .tensor), .sequence(.tensor), .sequence(.map(_, .tensor)), .optional(.tensor), .optional(.sequence(.tensor)):
      true
    default: false
    }
  }

  /// The type, if ONNX has it.
  /// - Throws: `.invalidModel`.
  public func allowed() throws(PinionError) -> ValueType {
    guard isAllowed else {
      throw .invalidModel("ONNX has no type \(self): sequences hold tensors or maps, optionals tensors or sequences of tensors, maps tensors")
    }
    return self
  }

  /// Whether two values of these types may be elements of one sequence: extents may differ.
  public func hasKind(of other: ValueType) -> Bool {
    switch (self, other) {
    case (.tensor(let a, _), .tensor(let b, _)): a == b
    case (.map(let key, .tensor(let value, _)), .map(let otherKey, .tensor(let otherValue, _))): key == otherKey && value == otherValue
    default: false
    }
  }
}

extension Value {
  /// The value's type as that of any element of a sequence: without extents.
  /// - Throws: `.invalidValue` for a value that no sequence holds.
  public func typeAsElement() throws(PinionError) -> ValueType {
    switch self {
    case .tensor(let tensor): return .tensor(tensor.element, dims: nil)
    case .map: return type
    case .sequence: throw PinionError(.invalidValue, "a sequence cannot be an element of a sequence, which holds tensors or maps")
    case .none: throw PinionError(.invalidValue, "an optional cannot be an element of a sequence, which holds tensors or maps")
    }
  }

  /// Checks a value that a caller has put together.
  /// - Throws: `.invalidValue` for a sequence that holds something else than tensors or maps of one kind.
  public func checkNesting() throws(PinionError) {
    switch self {
    case .tensor, .map: return
    case .none(let content):
      guard ValueType.optional(content).isAllowed else {
        throw PinionError(.invalidValue, "ONNX has no optional of what is no tensor or sequence of tensors")
      }
    case .sequence(let values, let element):
      for (index, value) in values.enumerated() {
        let type = try value.typeAsElement()
        guard type.hasKind(of: element) else {
          throw PinionError(.invalidValue, "element \(index) of a sequence of \(element) is \(type)")
        }
      }
      guard ValueType.sequence(element).isAllowed else {
        throw PinionError(.invalidValue, "a sequence holds tensors or maps and nothing else")
      }
    }
  }
}
