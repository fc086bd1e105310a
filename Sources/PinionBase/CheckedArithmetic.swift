/// Arithmetic on numbers that come from a model or a caller: throws where Swift's operators would trap.
extension FixedWidthInteger {
  @inlinable public func adding(_ other: Self) throws(PinionError) -> Self {
    let (value, overflow) = addingReportingOverflow(other)
    guard !overflow else { throw overflowError("\(self) + \(other)") }
    return value
  }

  @inlinable public func subtracting(_ other: Self) throws(PinionError) -> Self {
    let (value, overflow) = subtractingReportingOverflow(other)
    guard !overflow else { throw overflowError("\(self) - \(other)") }
    return value
  }

  @inlinable public func multiplied(by other: Self) throws(PinionError) -> Self {
    let (value, overflow) = multipliedReportingOverflow(by: other)
    guard !overflow else { throw overflowError("\(self) * \(other)") }
    return value
  }

  /// The number in another integer type.
  @inlinable public func converted<T: FixedWidthInteger>(to type: T.Type = T.self) throws(PinionError) -> T {
    guard let value = T(exactly: self) else { throw overflowError("\(self) as \(T.self)") }
    return value
  }
}

@usableFromInline @inline(never) func overflowError(_ expression: String) -> PinionError {
  PinionError(.invalidValue, "integer overflow in \(expression)")
}

extension Sequence where Element == Int {
  /// The product of all elements, 1 for none.
  @inlinable public func checkedProduct() throws(PinionError) -> Int {
    var product = 1
    for factor in self { product = try product.multiplied(by: factor) }
    return product
  }
}

/// `value` rounded up to a multiple of `alignment`, a power of two.
@inlinable public func alignedUp(_ value: Int, to alignment: Int) throws(PinionError) -> Int {
  try value.adding(alignment - 1) & ~(alignment - 1)
}
