import PinionBase
import PinionCPU
import PinionTensor

extension Literal {
  /// A tensor of the words; a single word fills the whole shape.
  /// - Throws: `.invalidArgument` for a word that is no such number and for a wrong number of words.
  package func tensor(_ type: TensorType) throws(PinionError) -> Tensor {
    let isFill = words.count == 1 && type.count != 1
    guard isFill || words.count == type.count else {
      throw .invalidArgument("\(words.count) values do not fill \(type), which has \(type.count)")
    }
    let source = try elements(type.element)
    guard isFill else { return try source.reshaped(type.shape) }
    let result = try Tensor(type)
    let width = type.element.byteWidth
    for index in 0..<type.count { (result.data + index &* width).copyMemory(from: source.data, byteCount: width) }
    return result.keepingAlive([source.owner])
  }

  /// The words as a vector.
  private func elements(_ element: ElementType) throws(PinionError) -> Tensor {
    switch element {
    case .string: return try Tensor(strings: words, .vector(words.count))
    case .bool: return try Tensor(vector: try words.map { (word) throws(PinionError) in try Literal.flag(word) })
    case .int8: return try integers(Int8.self, element)
    case .int16: return try integers(Int16.self, element)
    case .int32: return try integers(Int32.self, element)
    case .int64: return try integers(Int64.self, element)
    case .uint8: return try integers(UInt8.self, element)
    case .uint16: return try integers(UInt16.self, element)
    case .uint32: return try integers(UInt32.self, element)
    case .uint64: return try integers(UInt64.self, element)
    case .int4: return try integers(Int8.self, element, range: -8...7)
    case .int2: return try integers(Int8.self, element, range: -2...1)
    case .uint4: return try integers(UInt8.self, element, range: 0...15)
    case .uint2: return try integers(UInt8.self, element, range: 0...3)
    case .complex64, .complex128: throw .unsupported("complex numbers as text; give a .npy file")
    default:
      let numbers = try Tensor(vector: try words.map { (word) throws(PinionError) in try Literal.number(word) })
      let result = try Tensor(TensorType(element, numbers.shape))
      try ElementConversion(from: .float64, to: element)(numbers.data, result.data, result.count)
      return result
    }
  }

  private func integers<T: FixedWidthInteger & Element>(
    _: T.Type, _ element: ElementType, range: ClosedRange<T> = T.min...T.max
  ) throws(PinionError) -> Tensor {
    var numbers: [T] = []
    numbers.reserveCapacity(words.count)
    for word in words {
      guard let number = T(word) ?? Double(word).flatMap({ T(exactly: $0) }), range.contains(number) else {
        throw .invalidArgument("'\(escaped(word))' is no \(element)")
      }
      numbers.append(number)
    }
    let tensor = try Tensor(vector: numbers)
    return Tensor(TensorType(element, tensor.shape), data: tensor.data, owner: tensor.owner)
  }

  private static func number(_ word: String) throws(PinionError) -> Double {
    guard let number = Double(word) else { throw .invalidArgument("'\(escaped(word))' is no number") }
    return number
  }

  private static func flag(_ word: String) throws(PinionError) -> Bool {
    switch word {
    case "true", "True", "1": return true
    case "false", "False", "0": return false
    default: throw .invalidArgument("'\(escaped(word))' is neither true nor false")
    }
  }
}
