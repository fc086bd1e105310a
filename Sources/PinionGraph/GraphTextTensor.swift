import PinionTensor

/// The shortest decimal that reads back as the number; the bits of a NaN that is not the usual one.
func floatText<T: BinaryFloatingPoint & LosslessStringConvertible>(_ value: T, bits: UInt64, usualNaN: UInt64) -> String {
  if value.isNaN { return bits == usualNaN ? "nan" : "0x" + String(bits, radix: 16) }
  return "\(value)"
}

func floatText(_ value: Float) -> String {
  floatText(value, bits: UInt64(value.bitPattern), usualNaN: UInt64(Float.nan.bitPattern))
}

func floatText(_ value: Double) -> String { floatText(value, bits: value.bitPattern, usualNaN: Double.nan.bitPattern) }

func floatText(_ value: Float16) -> String {
  floatText(value, bits: UInt64(value.bitPattern), usualNaN: UInt64(Float16.nan.bitPattern))
}

func floatText(_ value: BFloat16) -> String {
  floatText(value.float, bits: UInt64(value.bitPattern), usualNaN: UInt64(BFloat16(.nan).bitPattern))
}

extension Tensor {
  /// `float32[2] [1.0, 2.0]`, or `float32[2,1000] #` and a hash of the contents.
  func graphText(elementLimit: Int) -> String {
    guard count <= elementLimit else { return "\(type) #" + String(contentHash, radix: 16) }
    return "\(type) [" + elementTexts.joined(separator: ", ") + "]"
  }

  /// The elements as the text form has them; complex numbers as two each, narrow floats as their bits.
  private var elementTexts: [String] {
    func texts<T>(_: T.Type, _ count: Int, _ text: (T) -> String) -> [String] {
      (0..<count).map { text(data.assumingMemoryBound(to: T.self)[$0]) }
    }
    func integers<T: FixedWidthInteger>(_: T.Type) -> [String] { texts(T.self, count) { String($0) } }
    switch element {
    case .float32: return texts(Float.self, count, floatText)
    case .float64: return texts(Double.self, count, floatText)
    case .float16: return texts(Float16.self, count, floatText)
    case .bfloat16: return texts(BFloat16.self, count, floatText)
    case .complex64: return texts(Float.self, count &* 2, floatText)
    case .complex128: return texts(Double.self, count &* 2, floatText)
    case .int8, .int4, .int2: return integers(Int8.self)
    case .uint8, .uint4, .uint2: return integers(UInt8.self)
    case .int16: return integers(Int16.self)
    case .uint16: return integers(UInt16.self)
    case .int32: return integers(Int32.self)
    case .uint32: return integers(UInt32.self)
    case .int64: return integers(Int64.self)
    case .uint64: return integers(UInt64.self)
    case .bool: return texts(UInt8.self, count) { $0 == 0 ? "false" : "true" }
    case .string: return texts(StringElement.self, count) { quoted(utf8: $0.bytes) }
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      return texts(UInt8.self, count) { "0x" + String($0, radix: 16) }
    }
  }

  /// A 64-bit hash of type and contents that does not change from run to run.
  public var contentHash: UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ word: UInt64) {
      hash = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
      hash ^= hash >> 29
    }
    func mix(_ bytes: UnsafeRawBufferPointer) {
      let words = bytes.count / 8
      for index in 0..<words { mix(bytes.loadUnaligned(fromByteOffset: index &* 8, as: UInt64.self)) }
      for index in (words &* 8)..<bytes.count { mix(UInt64(bytes[index])) }
    }
    mix(UInt64(truncatingIfNeeded: Int(element.rawValue)))
    for extent in shape.dims { mix(UInt64(truncatingIfNeeded: extent)) }
    if element == .string {
      let elements = UnsafeBufferPointer(start: data.assumingMemoryBound(to: StringElement.self), count: count)
      for string in elements {
        mix(UInt64(truncatingIfNeeded: string.count))
        mix(UnsafeRawBufferPointer(string.bytes))
      }
    } else {
      mix(bytes)
    }
    return hash
  }
}
