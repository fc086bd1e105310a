import Pinion
import PinionBase
import PinionCPU
import PinionTensor

/// The suite's notion of a right answer: same shape and type, |a-b| <= atol + rtol*|b|, NaN equals NaN.
struct Comparison {
  var rtol = 1e-3
  var atol = 1e-7

  func check(_ value: Value, _ expected: Value, _ place: String) throws(PinionError) {
    switch (value, expected) {
    case (.tensor(let a), .tensor(let b)): try check(a, b, place)
    case (.sequence(let a, _), .sequence(let b, _)):
      guard a.count == b.count else { throw .invalidValue("\(place): sequence of \(a.count), expected \(b.count)") }
      for index in a.indices { try check(a[index], b[index], "\(place)[\(index)]") }
    case (.map(let keys, let values), .map(let expectedKeys, let expectedValues)):
      try check(keys, expectedKeys, "\(place) keys")
      try check(values, expectedValues, "\(place) values")
    case (.none, .none): break
    default: throw .invalidValue("\(place): \(value.type), expected \(expected.type)")
    }
  }

  private func check(_ a: Tensor, _ b: Tensor, _ place: String) throws(PinionError) {
    guard a.type == b.type else { throw .invalidValue("\(place): \(a.type), expected \(b.type)") }
    guard a.element.kernelType != nil, a.element != .bool else {
      guard a.hasSameContentsByElement(as: b) else { throw .invalidValue("\(place): elements differ") }
      return
    }
    let x = try doubles(a), y = try doubles(b)
    let rtol = a.element == .bfloat16 ? max(rtol, 0x1p-6) : rtol
    var worst = 0
    var bad = 0
    for index in x.indices where !(x[index] == y[index] || (x[index].isNaN && y[index].isNaN)) {
      guard !(abs(x[index] - y[index]) <= atol + rtol * abs(y[index])) else { continue }
      if bad == 0 || abs(x[index] - y[index]) > abs(x[worst] - y[worst]) { worst = index }
      bad += 1
    }
    guard bad == 0 else {
      throw .invalidValue("\(place): \(bad) of \(x.count) elements differ, at \(worst) \(x[worst]), expected \(y[worst])")
    }
  }

  private func doubles(_ tensor: Tensor) throws(PinionError) -> [Double] {
    var result = [Double](repeating: 0, count: tensor.count)
    let convert = try conversion(from: tensor.element, to: .float64)
    result.withUnsafeMutableBytes { bytes in
      if let base = bytes.baseAddress { convert(tensor.data, base, tensor.count) }
    }
    return result
  }
}

extension Tensor {
  fileprivate func hasSameContentsByElement(as other: Tensor) -> Bool {
    guard element == .string else { return bytes.elementsEqual(other.bytes) }
    let a = data.assumingMemoryBound(to: StringElement.self), b = other.data.assumingMemoryBound(to: StringElement.self)
    return (0..<count).allSatisfy { a[$0] == b[$0] }
  }
}
