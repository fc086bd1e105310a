import PinionBase
import PinionTensor

/// What numbers a made-up tensor has.
enum Contents {
  /// Fractions with full mantissas around zero; integers from -8 (or 0) to 8.
  case plain
  /// Whole numbers and halves, of which many are equal: ties.
  case ties
  /// Among plain numbers zeros of both signs, infinities, NaN, huge and tiny ones; integers of the whole range.
  case special
  case positive
}

extension RandomNumbers {
  mutating func tensor(_ element: ElementType, _ dims: [Int], _ contents: Contents = .plain) throws(PinionError) -> Tensor {
    let shape = try Shape(dims)
    if element == .string {
      let words = ["", "a", "b", "ab", "Ab", "é", "to be", "a,b", "12", "-7", "a string of more than fifteen bytes", "c d  e"]
      return try Tensor(strings: (0..<shape.count).map { _ in pick(words) }, shape)
    }
    let tensor = try Tensor(TensorType(element, shape))
    let count = shape.count
    switch element {
    case .float32: for index in 0..<count { tensor.store(index, Float(number(contents))) }
    case .float64: for index in 0..<count { tensor.store(index, number(contents)) }
    case .float16: for index in 0..<count { tensor.store(index, Float16(number(contents))) }
    case .bfloat16: for index in 0..<count { tensor.store(index, BFloat16(Float(number(contents)))) }
    case .complex64: for index in 0..<2 * count { tensor.store(index, Float(number(contents))) }
    case .complex128: for index in 0..<2 * count { tensor.store(index, number(contents)) }
    case .int8: for index in 0..<count { tensor.store(index, Int8(truncatingIfNeeded: whole(contents, signed: true))) }
    case .uint8: for index in 0..<count { tensor.store(index, UInt8(truncatingIfNeeded: whole(contents, signed: false))) }
    case .int16: for index in 0..<count { tensor.store(index, Int16(truncatingIfNeeded: whole(contents, signed: true))) }
    case .uint16: for index in 0..<count { tensor.store(index, UInt16(truncatingIfNeeded: whole(contents, signed: false))) }
    case .int32: for index in 0..<count { tensor.store(index, Int32(truncatingIfNeeded: whole(contents, signed: true))) }
    case .uint32: for index in 0..<count { tensor.store(index, UInt32(truncatingIfNeeded: whole(contents, signed: false))) }
    case .int64: for index in 0..<count { tensor.store(index, whole(contents, signed: true)) }
    case .uint64: for index in 0..<count { tensor.store(index, UInt64(bitPattern: whole(contents, signed: false))) }
    case .bool: for index in 0..<count { tensor.store(index, UInt8(next() & 1)) }
    case .uint4, .float4e2m1: for index in 0..<count { tensor.store(index, UInt8(next() & 15)) }
    case .int4: for index in 0..<count { tensor.store(index, Int8(truncatingIfNeeded: Int(next() & 15) - 8)) }
    case .uint2: for index in 0..<count { tensor.store(index, UInt8(next() & 3)) }
    case .int2: for index in 0..<count { tensor.store(index, Int8(truncatingIfNeeded: Int(next() & 3) - 2)) }
    default: for index in 0..<count { tensor.store(index, UInt8(truncatingIfNeeded: next())) }
    }
    return tensor
  }

  private mutating func number(_ contents: Contents) -> Double {
    switch contents {
    case .plain: return unit() * 4 - 2
    case .ties: return Double(int(-6...6)) / 2
    case .positive: return unit() * 3 + 0.0625
    case .special:
      guard chance(0.2) else { return unit() * 20 - 10 }
      return pick([0, -0.0, .infinity, -.infinity, .nan, 1e30, -1e-40, 1e-20, 65504, 1e10, -1])
    }
  }

  private mutating func whole(_ contents: Contents, signed: Bool) -> Int64 {
    switch contents {
    case .plain, .ties: return Int64(int((signed ? -8 : 0)...8))
    case .positive: return Int64(int(1...6))
    case .special: return chance(0.5) ? Int64(bitPattern: next()) : Int64(int(-2...200))
    }
  }
}

extension Tensor {
  @inline(__always) func store<T: BitwiseCopyable>(_ index: Int, _ value: T) {
    data.storeBytes(of: value, toByteOffset: index &* MemoryLayout<T>.stride, as: T.self)
  }

  static func ints(_ values: [Int], _ element: ElementType = .int64, shape: [Int]? = nil) throws(PinionError) -> Tensor {
    let tensor = try Tensor(TensorType(element, try Shape(shape ?? [values.count])))
    for (index, value) in values.enumerated() {
      if element == .int32 { tensor.store(index, Int32(truncatingIfNeeded: value)) } else { tensor.store(index, Int64(value)) }
    }
    return tensor
  }
}
