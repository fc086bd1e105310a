import PinionBase

/// How a picture is brought to another size.
package enum PictureFit: String, Sendable, CaseIterable {
  /// Both sides are scaled on their own.
  case stretch
  /// The picture is scaled until it covers the size; what stands out is cut off evenly.
  case crop
}

/// Pixels as float32, channels side by side.
struct FloatPicture {
  let width: Int
  let height: Int
  let channels: Int
  let values: [Float]
}

extension Picture {
  /// Scales bilinearly; where the picture shrinks, over all pixels that fall together, so that nothing flickers away.
  func scaled(width: Int, height: Int, fit: PictureFit) throws(PinionError) -> FloatPicture {
    let row = try Picture.byteCount(width: width, height: 1, channels: channels)
    _ = try Picture.byteCount(width: width, height: height, channels: channels)
    let narrowCount = try Picture.byteCount(width: width, height: self.height, channels: channels)
    var sourceX = (start: 0.0, length: Double(self.width)), sourceY = (start: 0.0, length: Double(self.height))
    if fit == .crop {
      let scale = max(Double(width) / sourceX.length, Double(height) / sourceY.length)
      let visible = (Double(width) / scale, Double(height) / scale)
      sourceX = ((sourceX.length - visible.0) / 2, visible.0)
      sourceY = ((sourceY.length - visible.1) / 2, visible.1)
    }
    let columns = Picture.taps(target: width, source: self.width, start: sourceX.start, length: sourceX.length)
    let rows = Picture.taps(target: height, source: self.height, start: sourceY.start, length: sourceY.length)
    let source = UnsafeRawBufferPointer(bytes)

    var narrow = [Float](repeating: 0, count: narrowCount)
    for y in 0..<self.height {
      for x in 0..<width {
        for channel in 0..<channels {
          var sum: Float = 0
          for (offset, weight) in columns[x].weights.enumerated() {
            sum += weight * Float(source[(y &* self.width &+ columns[x].first &+ offset) &* channels &+ channel])
          }
          narrow[(y &* width &+ x) &* channels &+ channel] = sum
        }
      }
    }
    var result = [Float](repeating: 0, count: height &* row)
    for y in 0..<height {
      for (offset, weight) in rows[y].weights.enumerated() {
        let from = (rows[y].first &+ offset) &* row
        for index in 0..<row { result[y &* row &+ index] += weight * narrow[from &+ index] }
      }
    }
    return FloatPicture(width: width, height: height, channels: channels, values: result)
  }

  /// For each target pixel the source pixels that it is made of, and their weights, which sum to one.
  private static func taps(target: Int, source: Int, start: Double, length: Double) -> [(first: Int, weights: [Float])] {
    let scale = length / Double(target)
    let reach = max(scale, 1)
    return (0..<target).map { index in
      let centre = start + (Double(index) + 0.5) * scale
      let first = min(max(Int((centre - reach).rounded(.down)), 0), source - 1)
      let end = min(max(Int((centre + reach).rounded(.up)), first + 1), source)
      var weights = (first..<end).map { max(0, 1 - abs(Double($0) + 0.5 - centre) / reach) }
      let sum = weights.reduce(0, +)
      if sum > 0 { weights = weights.map { $0 / sum } } else { weights = [1] }
      return (first, weights.map(Float.init))
    }
  }
}
