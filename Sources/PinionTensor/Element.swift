import Glibc

/// A Swift type that stands for an element type in memory.
public protocol Element: BitwiseCopyable, Sendable {
  static var elementType: ElementType { get }
}

extension Float: Element { @inlinable public static var elementType: ElementType { .float32 } }
extension Double: Element { @inlinable public static var elementType: ElementType { .float64 } }
extension Float16: Element { @inlinable public static var elementType: ElementType { .float16 } }
extension Int8: Element { @inlinable public static var elementType: ElementType { .int8 } }
extension UInt8: Element { @inlinable public static var elementType: ElementType { .uint8 } }
extension Int16: Element { @inlinable public static var elementType: ElementType { .int16 } }
extension UInt16: Element { @inlinable public static var elementType: ElementType { .uint16 } }
extension Int32: Element { @inlinable public static var elementType: ElementType { .int32 } }
extension UInt32: Element { @inlinable public static var elementType: ElementType { .uint32 } }
extension Int64: Element { @inlinable public static var elementType: ElementType { .int64 } }
extension UInt64: Element { @inlinable public static var elementType: ElementType { .uint64 } }
extension Bool: Element { @inlinable public static var elementType: ElementType { .bool } }

/// Google's brain floating point: the upper half of a float32.
public struct BFloat16: Element, Hashable {
  public var bitPattern: UInt16

  @inlinable public static var elementType: ElementType { .bfloat16 }
  @inlinable public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

  /// Rounds to the nearest, ties to even; NaN stays NaN.
  @inlinable public init(_ value: Float) {
    let bits = value.bitPattern
    guard !value.isNaN else {
      bitPattern = UInt16(truncatingIfNeeded: bits >> 16) | 0x40
      return
    }
    bitPattern = UInt16(truncatingIfNeeded: (bits &+ 0x7fff &+ ((bits >> 16) & 1)) >> 16)
  }

  @inlinable public var float: Float { Float(bitPattern: UInt32(bitPattern) << 16) }
}

extension Float {
  @inlinable public init(_ value: BFloat16) { self = value.float }
}

/// An element of a string tensor: bytes (UTF-8 as ONNX has it) that the tensor's owner keeps alive.
///
/// Being of fixed size and without ownership of its own, it moves through Gather, Concat and Transpose like any number.
public struct StringElement: Element {
  public let start: UnsafePointer<UInt8>?
  public let count: Int

  @inlinable public static var elementType: ElementType { .string }
  @inlinable public init(start: UnsafePointer<UInt8>?, count: Int) {
    self.start = start
    self.count = count
  }

  @inlinable public var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: start == nil ? 0 : count) }
  @inlinable public var string: String { String(decoding: bytes, as: UTF8.self) }
}

extension StringElement: Hashable {
  public static func == (a: StringElement, b: StringElement) -> Bool {
    let x = a.bytes, y = b.bytes
    guard x.count == y.count else { return false }
    guard let first = x.baseAddress, let second = y.baseAddress else { return true }
    return memcmp(first, second, x.count) == 0
  }
  public func hash(into hasher: inout Hasher) { hasher.combine(bytes: UnsafeRawBufferPointer(bytes)) }
}
extension StringElement: @unchecked Sendable {}
