/// Floating-point numbers as integers. Such a number may come from a model or a caller and be NaN, infinite or too large, where Swift's own
/// conversions end the process.
extension FixedWidthInteger {
  /// The integer part: the nearest end of the range for a number beyond it, 0 for NaN.
  @inlinable @inline(__always)
  public init<T: BinaryFloatingPoint>(saturating value: T) {
    // Where not all bits of max fit, T(max) is the power of two above it.
    guard value < T(Self.max) else {
      self = value.isNaN ? 0 : .max
      return
    }
    self = value > T(Self.min) ? Self(exactly: value.rounded(.towardZero)) ?? 0 : .min
  }

  /// Stands before Swift's own conversion of a generic number to an integer type that is named, so that a forgotten one cannot trap. Where
  /// the integer type is generic as well, Swift's own still comes first.
  @available(*, deprecated, message: "say init(saturating:)")
  @inlinable @inline(__always)
  public init<T: BinaryFloatingPoint>(_ value: T) { self.init(saturating: value) }
}

extension Int {
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Float) { self.init(saturating: value) }
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Double) { self.init(saturating: value) }
}
extension Int8 {
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Float) { self.init(saturating: value) }
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Double) { self.init(saturating: value) }
}
extension Int16 {
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Float) { self.init(saturating: value) }
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Double) { self.init(saturating: value) }
}
extension Int32 {
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Float) { self.init(saturating: value) }
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Double) { self.init(saturating: value) }
}
extension Int64 {
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Float) { self.init(saturating: value) }
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Double) { self.init(saturating: value) }
}
extension UInt {
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Float) { self.init(saturating: value) }
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Double) { self.init(saturating: value) }
}
extension UInt8 {
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Float) { self.init(saturating: value) }
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Double) { self.init(saturating: value) }
}
extension UInt16 {
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Float) { self.init(saturating: value) }
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Double) { self.init(saturating: value) }
}
extension UInt32 {
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Float) { self.init(saturating: value) }
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Double) { self.init(saturating: value) }
}
extension UInt64 {
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Float) { self.init(saturating: value) }
  @available(*, deprecated, message: "say init(saturating:)") @inlinable @inline(__always) public init(_ value: Double) { self.init(saturating: value) }
}
