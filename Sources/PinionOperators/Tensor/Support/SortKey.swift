import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// An element type whose order can be told from 64-bit integers.
protocol SortableElement: Element {
  /// Larger for larger elements, alike for those that compare equal; NaN is above everything.
  var sortKey: Int64 { get }
}

extension FixedWidthInteger where Self: SignedInteger {
  @inline(__always) var sortKey: Int64 { Int64(truncatingIfNeeded: self) }
}

extension FixedWidthInteger where Self: UnsignedInteger {
  @inline(__always) var sortKey: Int64 { Int64(bitPattern: UInt64(truncatingIfNeeded: self) ^ (1 << 63)) }
}

extension Int8: SortableElement {}
extension Int16: SortableElement {}
extension Int32: SortableElement {}
extension Int64: SortableElement {}
extension UInt8: SortableElement {}
extension UInt16: SortableElement {}
extension UInt32: SortableElement {}
extension UInt64: SortableElement {}

extension Bool: SortableElement {
  @inline(__always) var sortKey: Int64 { self ? 1 : 0 }
}

extension Float: SortableElement {
  @inline(__always) var sortKey: Int64 {
    guard !isNaN else { return .max }
    let bits = Int32(bitPattern: (self + 0).bitPattern)
    return Int64(bits < 0 ? bits ^ .max : bits)
  }
}

extension Float16: SortableElement {
  @inline(__always) var sortKey: Int64 { Float(self).sortKey }
}

extension BFloat16: SortableElement {
  @inline(__always) var sortKey: Int64 { float.sortKey }
}

extension Double: SortableElement {
  @inline(__always) var sortKey: Int64 {
    guard !isNaN else { return .max }
    let bits = Int64(bitPattern: (self + 0).bitPattern)
    return bits < 0 ? bits ^ .max : bits
  }
}

/// The keys of all elements of a numeric tensor.
func sortKeys(_ tensor: Tensor) throws(PinionError) -> [Int64] {
  func keys<T: SortableElement>(_: T.Type) throws(PinionError) -> [Int64] { try tensor.elements(as: T.self).map(\.sortKey) }
  return switch tensor.element {
  case .float32: try keys(Float.self)
  case .float64: try keys(Double.self)
  case .float16: try keys(Float16.self)
  case .bfloat16: try keys(BFloat16.self)
  case .int8: try keys(Int8.self)
  case .int16: try keys(Int16.self)
  case .int32: try keys(Int32.self)
  case .int64: try keys(Int64.self)
  case .uint8: try keys(UInt8.self)
  case .uint16: try keys(UInt16.self)
  case .uint32: try keys(UInt32.self)
  case .uint64: try keys(UInt64.self)
  case .bool: try keys(Bool.self)
  default: throw .unsupported("elements of type \(tensor.element) have no order")
  }
}
