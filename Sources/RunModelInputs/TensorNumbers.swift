import PinionBase
import PinionCPU
import PinionTensor

extension Tensor {
  /// The elements as numbers; complex ones as two each, strings not at all.
  /// - Throws: `.unsupported` for strings.
  package func numbers() throws(PinionError) -> [Double] {
    let isComplex = element == .complex64 || element == .complex128
    let source = element == .complex64 ? ElementType.float32 : element == .complex128 ? .float64 : element
    let convert = try ElementConversion(from: source, to: .float64)
    var result = [Double](repeating: 0, count: isComplex ? 2 &* count : count)
    result.withUnsafeMutableBytes { target in
      if let base = target.baseAddress { convert(data, base, target.count / 8) }
    }
    return result
  }

  /// The same numbers as another element type.
  ///
  /// Floating-point numbers are rounded; nothing else may change.
  /// - Throws: `.invalidShape` where a number would change or there is no such conversion.
  package func losslessly(as target: ElementType) throws(PinionError) -> Tensor {
    guard target != element else { return self }
    let refusal = PinionError.invalidShape("\(type) cannot become \(target) without losing what it says")
    guard element != .string, target != .string, element.isFloatingPoint == target.isFloatingPoint || !element.isFloatingPoint else {
      throw refusal
    }
    do throws(PinionError) {
      let result = try converted(to: target)
      guard !target.isFloatingPoint else { return result }
      let before = try converted(to: .int64), after = try result.converted(to: .int64)
      let numbers = try before.integers()
      guard numbers == (try after.integers()) else { throw refusal }
      guard (element != .uint64 && target != .uint64) || numbers.allSatisfy({ $0 >= 0 }) else { throw refusal }
      return result
    } catch { throw error.code == .outOfMemory ? error : refusal }
  }

  private func converted(to target: ElementType) throws(PinionError) -> Tensor {
    let result = try Tensor(TensorType(target, shape))
    try ElementConversion(from: element, to: target)(data, result.data, count)
    return result
  }

  /// An element as text; `"…"` for strings.
  /// - Parameter index: in row-major order, inside the tensor.
  package func text(at index: Int) -> String {
    func value<T>(_: T.Type, _ place: Int) -> T { data.assumingMemoryBound(to: T.self)[place] }
    switch element {
    case .float32: return shortText(Double(value(Float.self, index)), digits: 6)
    case .float64: return shortText(value(Double.self, index), digits: 8)
    case .float16: return shortText(Double(value(Float16.self, index)), digits: 4)
    case .bfloat16: return shortText(Double(value(BFloat16.self, index).float), digits: 3)
    case .complex64:
      return complexText(Double(value(Float.self, 2 * index)), Double(value(Float.self, 2 * index + 1)), digits: 6)
    case .complex128: return complexText(value(Double.self, 2 * index), value(Double.self, 2 * index + 1), digits: 8)
    case .int8, .int4, .int2: return String(value(Int8.self, index))
    case .uint8, .uint4, .uint2: return String(value(UInt8.self, index))
    case .int16: return String(value(Int16.self, index))
    case .uint16: return String(value(UInt16.self, index))
    case .int32: return String(value(Int32.self, index))
    case .uint32: return String(value(UInt32.self, index))
    case .int64: return String(value(Int64.self, index))
    case .uint64: return String(value(UInt64.self, index))
    case .bool: return value(UInt8.self, index) == 0 ? "false" : "true"
    case .string: return "\"" + escaped(value(StringElement.self, index).string) + "\""
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      var number = 0.0
      guard let convert = try? ElementConversion(from: element, to: .float64) else { return "?" }
      withUnsafeMutableBytes(of: &number) { target in
        if let base = target.baseAddress { convert(data + index, base, 1) }
      }
      return shortText(number, digits: 3)
    }
  }

  private func complexText(_ real: Double, _ imaginary: Double, digits: Int) -> String {
    let second = shortText(imaginary, digits: digits)
    return shortText(real, digits: digits) + (second.hasPrefix("-") ? "" : "+") + second + "i"
  }
}

/// Backslash escapes for quotes, backslashes and control characters, so that a terminal shows the text and does not obey it.
package func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": result += "\\" + String(scalar)
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case "\r": result += "\\r"
    case _ where scalar.value < 32 || (127..<160).contains(scalar.value):
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
