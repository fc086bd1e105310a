import Glibc

/// A number with at most `digits` significant digits, as C's %g writes it.
package func shortText(_ value: Double, digits: Int) -> String {
  formatted("%.\(min(max(digits, 1), 17))g", value)
}

/// A number with exactly `decimals` digits after the point.
package func fixedText(_ value: Double, decimals: Int) -> String {
  formatted("%.\(min(max(decimals, 0), 17))f", value)
}

private func formatted(_ format: String, _ value: Double) -> String {
  // The longest float64 in %f has 309 digits before the point.
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 352) { buffer in
    guard let start = buffer.baseAddress else { return "" }
    let count = withVaList([value]) { vsnprintf(start, buffer.count, format, $0) }
    return count > 0 ? String(cString: start) : ""
  }
}
