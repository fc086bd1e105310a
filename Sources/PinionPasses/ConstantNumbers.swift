import PinionTensor

extension Tensor {
  /// The only element as a number; nil for other counts and for types that are not computed with.
  var scalar: Double? { count == 1 ? numbers?.first : nil }

  /// Elements of which rules make lists of numbers: as many as there are channels, columns or words of a vocabulary.
  private static var numberLimit: Int { 1 << 18 }

  /// The elements as numbers; nil for types that are not computed with, and for more than rules make lists of.
  var numbers: [Double]? {
    guard count <= Tensor.numberLimit else { return nil }
    func all<T: Element>(_: T.Type, _ convert: (T) -> Double) -> [Double]? { (try? unsafeElements(as: T.self)).map { $0.map(convert) } }
    switch element {
    case .float32: return all(Float.self) { Double($0) }
    case .float64: return all(Double.self) { $0 }
    case .float16: return all(Float16.self) { Double($0) }
    case .bfloat16:
      return (0..<count).map { Double(data.assumingMemoryBound(to: BFloat16.self)[$0].float) }
    case .int8: return all(Int8.self) { Double($0) }
    case .uint8: return all(UInt8.self) { Double($0) }
    case .int32: return all(Int32.self) { Double($0) }
    case .int64: return all(Int64.self) { Double($0) }
    default: return nil
    }
  }
}

/// Whether a factor may move from a product's result to its operand: not where that alone makes numbers infinite, undefined or
/// denormal that the model's own order keeps.
func isModestFactor(_ factor: Double) -> Bool { factor == 0 || (1e-12...1e12).contains(abs(factor)) }
