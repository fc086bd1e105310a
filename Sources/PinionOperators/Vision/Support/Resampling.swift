import PinionBackend
import PinionBase

/// Where the elements of a resized axis come from: for each place some elements of the input and their weights.
struct Resampling: Sendable {
  /// Elements of the input.
  let extent: Int
  /// Elements of the output.
  let count: Int
  /// Elements of the input that take part in one of the output.
  let taps: Int
  /// At tap * count + place; inside the input.
  let indices: KernelTable<Int32>
  let weights: KernelTable<Double>
  /// The places that lie outside the input and take the extrapolation value.
  let outside: KernelTable<Bool>
  let hasOutside: Bool

  /// Whether the output is the input.
  var isIdentity: Bool {
    guard extent == count, !hasOutside else { return false }
    for place in 0..<count {
      for tap in 0..<taps {
        let weight = weights[tap &* count &+ place]
        guard weight == 0 || (weight == 1 && indices[tap &* count &+ place] == place) else { return false }
      }
    }
    return true
  }
}

/// How places of the output are carried into the input.
enum CoordinateTransformation: String, CaseIterable, Sendable {
  case halfPixel = "half_pixel"
  case halfPixelSymmetric = "half_pixel_symmetric"
  case pytorchHalfPixel = "pytorch_half_pixel"
  case alignCorners = "align_corners"
  case asymmetric
  case cropAndResize = "tf_crop_and_resize"
  /// Of opset 11 only: half_pixel without the shift back.
  case halfPixelForNearest = "tf_half_pixel_for_nn"
}

enum NearestRounding: String, CaseIterable, Sendable {
  case preferFloor = "round_prefer_floor"
  case preferCeil = "round_prefer_ceil"
  case floor, ceil
  /// Of Resize-10 and Upsample: floor, but ceil on an axis whose scale is below 1.
  case floorOrCeilBelowOne = "pinion_floor_or_ceil_below_one"
}

enum ResizeMode: String, CaseIterable, Sendable { case nearest, linear, cubic }

/// One axis of a Resize.
struct ResizedAxis {
  let extent: Int
  let count: Int
  let scale: Double
  /// Start and end of the region in fractions of the axis, for tf_crop_and_resize.
  let region: (start: Double, end: Double)
  /// Elements of the input for one of the output, with which coordinates are multiplied where they are not divided by the scale.
  var step: Double?
  /// That products with the step are those of single precision.
  var isSingle = false

  /// The coordinate in the input of a place of the output.
  func coordinate(_ place: Int, _ transformation: CoordinateTransformation) -> Double {
    if let step {
      let offset = transformation == .asymmetric ? 0 : 0.5, back = transformation == .halfPixel ? 0.5 : 0
      if isSingle { return Double(Float(step) * (Float(place) + Float(offset)) - Float(back)) }
      return step * (Double(place) + offset) - back
    }
    let x = Double(place), last = Double(extent &- 1)
    // A size that follows from a scale may be a fraction, of which the output has the whole part.
    let width = scale * Double(extent)
    switch transformation {
    case .halfPixel: return (x + 0.5) / scale - 0.5
    case .halfPixelSymmetric:
      let offset = Double(extent) / 2 * (1 - Double(count) / width)
      return offset + (x + 0.5) / scale - 0.5
    // A scale of single precision may make slightly more of a whole extent.
    case .pytorchHalfPixel: return Float(width) == 1 ? -0.5 : (x + 0.5) / scale - 0.5
    case .alignCorners: return width == 1 ? 0 : x * last / (width - 1)
    case .asymmetric: return x / scale
    case .halfPixelForNearest: return (x + 0.5) / scale
    case .cropAndResize:
      let span = (region.end - region.start) * last
      return region.start * last + (width == 1 ? span / 2 : x * span / (width - 1))
    }
  }

  private func isOutside(_ coordinate: Double, _ transformation: CoordinateTransformation) -> Bool {
    guard transformation == .cropAndResize else { return false }
    // The end of a region that ends with the axis is inside, whatever the rounding of its coordinate.
    let last = Double(extent &- 1), slack = 1e-6 * max(last, 1)
    return !(coordinate >= -slack && coordinate <= last + slack)
  }

  /// The nearest elements; -1 for places outside.
  func nearest(
    _ transformation: CoordinateTransformation, _ rounding: NearestRounding, _ context: KernelContext
  ) throws(PinionError) -> KernelTable<Int32> {
    func nearest(_ place: Int) -> Int32 {
      let exact = coordinate(place, transformation)
      guard !isOutside(exact, transformation) else { return TableGather.outside }
      // Rounded to float, x / scale is whole where a scale such as 1/3 was meant to make it so.
      let x = Double(Float(exact))
      let index: Double =
        switch rounding {
        case .preferFloor: (x - 0.5).rounded(.up)
        case .preferCeil: (x + 0.5).rounded(.down)
        case .floor: x.rounded(.down)
        case .ceil: x.rounded(.up)
        case .floorOrCeilBelowOne: x.rounded(scale < 1 ? .up : .down)
        }
      return clamped(index)
    }
    let table: KernelTable<Int32> = try context.table(count: count)
    try inPieces(of: Poll.interval, count, context.control) { range in
      for place in range { table[place] = nearest(place) }
    }
    return table
  }

  /// An index inside the input, whatever the number.
  private func clamped(_ index: Double) -> Int32 {
    guard index > 0 else { return 0 }
    return index < Double(extent &- 1) ? Int32(saturating: index) : Int32(truncatingIfNeeded: extent &- 1)
  }

  /// The weights of linear (reach 1) or cubic (reach 2) interpolation.
  /// - Parameters:
  ///   - stretches: the filter is as wide as the distance of the output's elements (antialiasing).
  ///   - excludesOutside: what lies outside has no weight; else the edge is repeated.
  func interpolated(
    _ transformation: CoordinateTransformation, reach: Int, stretches: Bool, excludesOutside: Bool, kernel: (Double) -> Double,
    _ context: KernelContext
  ) throws(PinionError) -> Resampling {
    let step = stretches ? min(scale, 1) : 1
    let width = (Double(reach) / step).rounded(.up)
    guard width <= Double(2 &* reach) * Double(extent &+ 1) else {
      throw .invalidValue("scale \(scale) of an axis of extent \(extent) is too small")
    }
    let half = Int(saturating: width), taps = 2 &* half
    let (cells, overflow) = taps.multipliedReportingOverflow(by: count)
    guard !overflow, cells < 1 << 27 else { throw .invalidShape("an axis of \(count) elements is too long to resize") }
    let indices: KernelTable<Int32> = try context.table(count: cells), scaled: KernelTable<Double> = try context.table(count: cells)
    let outside: KernelTable<Bool> = try context.table(count: count), weights: KernelTable<Double> = try context.table(count: taps)
    // A tap that has no weight anywhere is left out afterwards.
    let isUsed: KernelTable<Bool> = try context.table(count: taps)
    for tap in 0..<taps { isUsed[tap] = false }
    var hasOutside = false
    var poll = Poll(context.control)
    for place in 0..<count {
      let x = coordinate(place, transformation)
      try poll.count(4 &* taps)
      outside[place] = isOutside(x, transformation)
      if outside[place] { hasOutside = true }
      // The element on the left has the index below x, also where x is whole.
      let left = x.rounded(.up) - 1
      var sum = 0.0
      for tap in 0..<taps {
        let index = left + Double(tap &- half &+ 1)
        let isInside = index >= 0 && index <= Double(extent &- 1)
        let weight = excludesOutside && !isInside ? 0 : kernel((index - x) * step)
        weights[tap] = weight
        sum += weight
        indices[tap &* count &+ place] = clamped(index)
      }
      let scaling = (stretches || excludesOutside) && sum != 0 ? 1 / sum : 1
      for tap in 0..<taps {
        let weight = weights[tap] * scaling
        scaled[tap &* count &+ place] = weight
        if weight != 0 { isUsed[tap] = true }
      }
    }
    var used = 0
    for tap in 0..<taps where isUsed[tap] {
      if used < tap {
        (indices.base + used &* count).update(from: indices.base + tap &* count, count: count)
        (scaled.base + used &* count).update(from: scaled.base + tap &* count, count: count)
      }
      used &+= 1
    }
    return Resampling(
      extent: extent, count: count, taps: used == 0 ? taps : used, indices: indices, weights: scaled, outside: outside,
      hasOutside: hasOutside)
  }
}
