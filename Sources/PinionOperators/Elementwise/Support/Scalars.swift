import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

extension Tensor {
  /// The only element, as a float64.
  func scalar(_ name: String) throws(PinionError) -> Double {
    guard count == 1 else { throw .invalidShape("input '\(name)' is \(type), expected one element") }
    let convert = try ElementConversion(from: element, to: .float64)
    var number = 0.0
    withUnsafeMutablePointer(to: &number) { convert(data, $0, 1) }
    return number
  }
}

extension ElementType {
  /// The bytes of the number 1, or of `value` converted.
  func bytes(of value: Double) throws(PinionError) -> SIMD16<UInt8> {
    var bytes = SIMD16<UInt8>.zero
    let convert = try ElementConversion(from: .float64, to: self)
    withUnsafePointer(to: value) { source in withUnsafeMutablePointer(to: &bytes) { convert(source, $0, 1) } }
    return bytes
  }
}
