import Glibc
import PinionBase
import PinionCPU
import PinionTensor

/// Where two lists of values differ; nil where they are the same bit for bit, any NaN being the same as any other.
func difference(_ a: [Value], _ b: [Value]) -> String? {
  guard a.count == b.count else { return "\(a.count) values, expected \(b.count)" }
  for index in a.indices {
    if let text = difference(a[index], b[index]) { return "output \(index): \(text)" }
  }
  return nil
}

func difference(_ a: Value, _ b: Value) -> String? {
  switch (a, b) {
  case (.tensor(let x), .tensor(let y)):
    guard x.type == y.type else { return "\(x.type), expected \(y.type)" }
    if x.element != .string, x.byteCount == 0 || memcmp(x.data, y.data, x.byteCount) == 0 { return nil }
    guard let element = x.firstDifference(y) else { return nil }
    return "element \(element) of \(x.type) is \(x.text(element)), expected \(y.text(element))"
  case (.sequence(let x, _), .sequence(let y, _)): return difference(x, y).map { "sequence " + $0 }
  case (.map(let keys, let values), .map(let otherKeys, let otherValues)):
    return difference(.tensor(keys), .tensor(otherKeys)) ?? difference(.tensor(values), .tensor(otherValues))
  case (.none, .none): return nil
  default: return "\(a.type), expected \(b.type)"
  }
}

extension Tensor {
  func firstDifference(_ other: Tensor) -> Int? { differences(from: other).first }

  /// The elements that differ, in order, as they are asked for.
  func differences(from other: Tensor) -> LazyFilterSequence<Range<Int>> {
    (0..<count).lazy.filter { isDifferent($0, other) }
  }

  private func isDifferent(_ index: Int, _ other: Tensor) -> Bool {
    if element == .string {
      return data.assumingMemoryBound(to: StringElement.self)[index] != other.data.assumingMemoryBound(to: StringElement.self)[index]
    }
    let width = element.byteWidth
    return memcmp(data + index * width, other.data + index * width, width) != 0 && !(isNaN(index) && other.isNaN(index))
  }

  func isNaN(_ index: Int) -> Bool {
    switch element {
    case .float32: data.load(fromByteOffset: index * 4, as: Float.self).isNaN
    case .float64: data.load(fromByteOffset: index * 8, as: Double.self).isNaN
    case .float16: data.load(fromByteOffset: index * 2, as: Float16.self).isNaN
    case .bfloat16: data.load(fromByteOffset: index * 2, as: BFloat16.self).float.isNaN
    case .complex64: data.load(fromByteOffset: index * 8, as: Float.self).isNaN || data.load(fromByteOffset: index * 8 + 4, as: Float.self).isNaN
    default: false
    }
  }

  func text(_ index: Int) -> String {
    if element == .string { return data.assumingMemoryBound(to: StringElement.self)[index].string.debugDescription }
    if let number = doubles()?[index] { return "\(number)" }
    return "0x" + String(data.load(fromByteOffset: index * element.byteWidth, as: UInt8.self), radix: 16)
  }

  /// The elements as double precision numbers; nil for strings and complex numbers.
  func doubles() -> [Double]? {
    guard let convert = try? ElementConversion(from: element, to: .float64) else { return nil }
    var result = [Double](repeating: 0, count: count)
    result.withUnsafeMutableBytes { bytes in
      if let base = bytes.baseAddress { convert(data, base, count) }
    }
    return result
  }
}
