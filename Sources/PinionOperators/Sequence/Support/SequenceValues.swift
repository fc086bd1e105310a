import PinionBackend
import PinionBase
import PinionTensor

/// The input of an operator that has to be there.
func required(_ inputs: [Value?], _ index: Int, _ name: String) throws(PinionError) -> Value {
  guard index < inputs.count, let value = inputs[index] else { throw .invalidModel("input '\(name)' is missing") }
  return value
}

extension Value {
  /// The value as a sequence keeps it: a tensor in memory of its own, and not in the workspace of the plan that computed it or in
  /// the caller's, which may go before the sequence does.
  func kept(_ context: EagerContext) throws(PinionError) -> Value {
    guard case .tensor(let tensor) = self else { return self }
    if tensor.element == .string {
      return tensor.ownsStrings ? self : .tensor(try tensor.copyingStrings(allocator: context.allocator, control: context.control))
    }
    guard !(tensor.owner is Buffer), !(tensor.owner is CountedBuffer), !(tensor.owner is FileMapping), !(tensor.owner is Constant) else { return self }
    let copy = try context.allocate(tensor.type)
    try context.copy(tensor.data, to: copy.data, bytes: tensor.byteCount)
    return .tensor(copy)
  }
}

/// The elements and the element type of a sequence.
func sequence(_ value: Value, _ name: String) throws(PinionError) -> (elements: [Value], type: ValueType) {
  guard case .sequence(let elements, let type) = value else {
    throw .invalidShape("input '\(name)' is \(value.type), expected a sequence")
  }
  return (elements, type)
}

/// A position in a sequence, where ONNX counts negative ones from the end; nil for an absent input.
/// - Parameter count: the number of valid positions.
func position(_ inputs: [Value?], _ index: Int, count: Int, length: Int) throws(PinionError) -> Int? {
  guard index < inputs.count, let value = inputs[index] else { return nil }
  let tensor = try value.asTensor()
  guard tensor.count == 1 else { throw .invalidShape("input 'position' has \(tensor.count) elements, expected 1") }
  let raw = try tensor.integers()[0]
  guard raw >= -Int64(length), raw < Int64(count) else {
    throw .invalidValue("position \(raw) is out of range for a sequence of \(length)")
  }
  return Int(raw < 0 ? raw + Int64(length) : raw)
}
