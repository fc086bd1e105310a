import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

enum SamplePadding: String, CaseIterable, Sendable { case zeros, border, reflection }

/// Finds which elements of a plane, with which weights, make the value at a point.
struct PointSampler<Scalar: BinaryFloatingPoint & Sendable>: Sendable {
  /// Extents of the plane, outermost first.
  let extents: [Int]
  let strides: [Int]
  let mode: ResizeMode
  let padding: SamplePadding
  /// -1 and 1 are the centres of the corner elements, not their outer edges.
  let alignsCorners: Bool

  /// Elements that take part along an axis.
  var reach: Int { mode == .nearest ? 1 : mode == .linear ? 2 : 4 }
  var taps: Int { extents.reduce(1) { taps, _ in taps &* reach } }

  /// A coordinate of the plane's elements for one between -1 and 1.
  @inline(__always)
  func denormalized(_ x: Scalar, axis: Int) -> Scalar {
    let extent = Scalar(extents[axis])
    return alignsCorners ? (x + 1) / 2 * (extent - 1) : ((x + 1) * extent - 1) / 2
  }

  /// The element for an index that may lie outside; nil where that counts as zero.
  private func inside(_ index: Scalar, axis: Int) -> Int? {
    let last = Scalar(extents[axis] &- 1)
    if index >= 0, index <= last { return Int(saturating: index) }
    switch padding {
    case .zeros: return nil
    case .border: return index > 0 ? extents[axis] &- 1 : 0
    case .reflection: return min(max(Int(saturating: reflected(index, axis: axis)), 0), extents[axis] &- 1)
    }
  }

  /// Mirrored at the borders until it is inside them.
  private func reflected(_ x: Scalar, axis: Int) -> Scalar {
    let low: Scalar = alignsCorners ? 0 : -0.5
    let high = alignsCorners ? Scalar(extents[axis] &- 1) : Scalar(extents[axis]) - 0.5
    let span = high - low
    guard span > 0, x.isFinite else { return 0 }
    let distance = x < low ? low - x : x > high ? x - high : 0
    guard distance > 0 else { return x }
    let turns = (distance / span).rounded(.down)
    let rest = distance - turns * span
    let isEven = turns.truncatingRemainder(dividingBy: 2) == 0
    return (x < low) == isEven ? low + rest : high - rest
  }

  private func settled(_ x: Scalar, axis: Int) -> Scalar {
    let low: Scalar = alignsCorners ? 0 : -0.5
    let high = alignsCorners ? Scalar(extents[axis] &- 1) : Scalar(extents[axis]) - 0.5
    guard x < low || x > high else { return x }
    // As in PyTorch and onnxruntime the polynomial runs through the repeated border elements, also for a point behind them;
    // ONNX's text leaves that open, and its reference moves the point to the border first.
    if mode == .cubic, padding == .border, x.isFinite { return x }
    switch padding {
    case .zeros: return x
    case .border: return min(max(x, 0), Scalar(extents[axis] &- 1))
    case .reflection: return reflected(x, axis: axis)
    }
  }

  /// Writes the taps of a point, each `step` apart.
  /// - Parameters:
  ///   - point: a coordinate for each axis, outermost first, in elements.
  /// - Returns: whether any tap is inside.
  func sample(
    _ point: UnsafePointer<Scalar>, indices: UnsafeMutablePointer<Int32>, weights: UnsafeMutablePointer<Scalar>, step: Int
  ) -> Bool {
    if mode == .linear, extents.count == 2 {
      let y = point[0], x = point[1], top = y.rounded(.down), left = x.rounded(.down)
      // All four inside, which is the common case.
      if top >= 0, left >= 0, top < Scalar(extents[0] &- 1), left < Scalar(extents[1] &- 1) {
        let first = Int(saturating: top) &* strides[0] &+ Int(saturating: left) &* strides[1]
        let down = y - top, right = x - left
        for tap in 0..<4 {
          indices[tap &* step] = Int32(truncatingIfNeeded: first &+ (tap / 2) &* strides[0] &+ (tap % 2) &* strides[1])
        }
        weights[0] = (1 - down) * (1 - right)
        weights[step] = (1 - down) * right
        weights[2 &* step] = down * (1 - right)
        weights[3 &* step] = down * right
        return true
      }
    }
    var count = 1
    var firstInside: Int32?
    indices[0] = 0
    weights[0] = 1
    for axis in extents.indices {
      var x = point[axis]
      if mode == .nearest { x = x.rounded(.toNearestOrEven) }
      x = settled(x, axis: axis)
      let left = mode == .nearest ? x.rounded(.toNearestOrEven) : x.rounded(.down)
      let fraction = x - left
      // From the last tap on, so that what is read here has not been written over.
      var position = count
      while position > 0 {
        position &-= 1
        let base = indices[position &* step], weight = weights[position &* step]
        for tap in 0..<reach {
          let place = (position &* reach &+ tap) &* step
          let index = left + Scalar(mode == .cubic ? tap &- 1 : tap)
          let factor = coefficient(tap, fraction)
          if base >= 0, let element = inside(index, axis: axis) {
            indices[place] = base &+ Int32(truncatingIfNeeded: element &* strides[axis])
            weights[place] = weight * factor
          } else {
            indices[place] = -1
            weights[place] = 0
          }
        }
      }
      count &*= reach
    }
    for tap in 0..<count where indices[tap &* step] >= 0 {
      firstInside = indices[tap &* step]
      break
    }
    // A tap without weight reads an element that takes part anyhow, so that no infinity slips in.
    for tap in 0..<count where indices[tap &* step] < 0 { indices[tap &* step] = firstInside ?? 0 }
    return firstInside != nil
  }

  @inline(__always)
  private func coefficient(_ tap: Int, _ fraction: Scalar) -> Scalar {
    switch mode {
    case .nearest: return 1
    case .linear: return tap == 0 ? 1 - fraction : fraction
    case .cubic:
      let a: Scalar = -0.75
      let t = abs(Scalar(tap &- 1) - fraction)
      if t <= 1 { return ((a + 2) * t - (a + 3)) * t * t + 1 }
      return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    }
  }
}
