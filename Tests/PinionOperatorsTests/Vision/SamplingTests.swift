import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct GridSampleTests {
  private func sample(_ x: Tensor, _ points: [Float], _ dims: [Int], _ attributes: [String: AttributeValue] = [:]) throws -> Tensor {
    try evaluate("GridSample", attributes: attributes, [x, try tensor(points, dims)])
  }

  @Test func corners() throws {
    let x = try counting([1, 1, 2, 3])
    let aligned: [String: AttributeValue] = ["align_corners": .int(1)]
    try expect(try sample(x, [-1, -1, 1, 1, 0, 0], [1, 1, 3, 2], aligned), near: [0, 5, 2.5], [1, 1, 1, 3])
    // At the outer edge of the corner element a quarter of its value is left.
    try expect(try sample(x, [1, 1], [1, 1, 1, 2]), near: [1.25], [1, 1, 1, 1])
  }

  @Test func paddings() throws {
    let x = try counting([1, 1, 1, 4])
    let point: [Float] = [2.5, 0]
    for (padding, expected): (String, Float) in [("zeros", 0), ("border", 3), ("reflection", 1)] {
      let y = try sample(x, point, [1, 1, 1, 2], ["padding_mode": .string(padding), "mode": .string("nearest")])
      try expect(y, near: [expected], [1, 1, 1, 1])
    }
    let y = try sample(x, [.nan, .infinity], [1, 1, 1, 2], ["padding_mode": .string("reflection")])
    #expect(y.count == 1)
  }

  @Test func volume() throws {
    let y = try sample(try counting([1, 2, 2, 2, 2]), [0, 0, 0], [1, 1, 1, 1, 3], ["align_corners": .int(1)])
    try expect(y, near: [3.5, 11.5], [1, 2, 1, 1, 1])
  }

  /// A grid of the identity gives the input back, with cubic interpolation as well.
  @Test(arguments: ["linear", "cubic", "nearest"]) func identity(mode: String) throws {
    let x = try counting([2, 3, 20, 30])
    let theta = try tensor([1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0] as [Float], [2, 2, 3])
    let grid = try evaluate("AffineGrid", [theta, try ints(2, 3, 20, 30)], constants: [1])
    #expect(grid.shape.dims == [2, 20, 30, 2])
    let y = try evaluate("GridSample", attributes: ["mode": .string(mode), "padding_mode": .string("border")], [x, grid])
    try expect(y, near: Array(try x.elements(as: Float.self)), [2, 3, 20, 30], tolerance: 1e-4)
  }

  /// ONNX's text does not say whether a point behind the border is moved to it before or after the polynomial is formed.
  /// PyTorch and onnxruntime repeat the border elements for each tap: at 4.25 the taps 3, 4, 5, 6 of [0, 10, 20, 30] are all the
  /// last element, so is the value; at 3.5 they are 20, 30, 30, 30 with the weights a t^3 - 2 a t^2 + a t (a = -0.75, t = 0.5) and rest.
  @Test func cubicBehindTheBorder() throws {
    let x = try tensor([0, 10, 20, 30, 0, 10, 20, 30] as [Float], [1, 1, 2, 4])
    // With corners not aligned, coordinate c of an axis of 4 is (2 c + 1) / 4 - 1.
    let grid = try tensor([(2 * 3.5 + 1) / 4 - 1, 0, (2 * 4.25 + 1) / 4 - 1, 0] as [Float], [1, 1, 2, 2])
    let y = try evaluate("GridSample", attributes: ["mode": .string("cubic"), "padding_mode": .string("border")], [x, grid])
    let weight: Float = -0.75 * (0.125 - 2 * 0.25 + 0.5)
    try expect(y, near: [30 + weight * (20 - 30), 30], [1, 1, 1, 2])
  }
}

@Suite struct RegionTests {
  @Test func roiAlignOfAConstant() throws {
    let x = try tensor([Float](repeating: 7, count: 100), [1, 1, 10, 10])
    let rois = try tensor([1, 1, 8, 8, 0, 0, 4, 4] as [Float], [2, 4])
    let y = try evaluate(
      "RoiAlign", attributes: ["output_height": .int(2), "output_width": .int(3)], [x, rois, try ints(0, 0)])
    try expect(y, near: [Float](repeating: 7, count: 12), [2, 1, 2, 3])
  }

  /// On a plane whose elements are their column, a bin's mean is its centre.
  @Test func roiAlignOfARamp() throws {
    let x = try tensor((0..<64).map { Float($0 % 8) }, [1, 1, 8, 8])
    let y = try evaluate(
      "RoiAlign", attributes: ["output_height": .int(1), "output_width": .int(2), "sampling_ratio": .int(2)],
      [x, try tensor([1, 1, 5, 5] as [Float], [1, 4]), try ints(0)])
    try expect(y, near: [1.5, 3.5], [1, 1, 1, 2])
  }

  /// Many channels and two images against the definition; what lies outside of an image counts as 0, even where that holds NaN.
  @Test(arguments: [1, 2, 3]) func roiAlignOfManyChannels(_ samples: Int) throws {
    let (channels, rows, cols, height, width) = (19, 5, 7, 3, 2)
    let x = (0..<2 * channels * rows * cols).map { Float(($0 * 37) % 101) / 10 }
    let corners: [[Float]] = [[0.5, 0.25, 5, 4], [-9, -9, -4, -5], [2, -3, 12, 9], [6, 4, 6.5, 4.5], [1, 1, 3, 2]]
    let images = [0, 1, 1, 0, 1]
    var expected: [Float] = []
    for (region, image) in zip(corners, images) {
      for channel in 0..<channels {
        for bin in 0..<height * width {
          var sum: Float = 0
          for point in 0..<samples * samples {
            let stepY: Float = (region[3] - region[1]) / Float(height), stepX: Float = (region[2] - region[0]) / Float(width)
            let partY: Float = (Float(point / samples) + 0.5) / Float(samples), partX: Float = (Float(point % samples) + 0.5) / Float(samples)
            let y: Float = region[1] - 0.5 + stepY * (Float(bin / width) + partY)
            let column: Float = region[0] - 0.5 + stepX * (Float(bin % width) + partX)
            guard y >= -1, y <= Float(rows), column >= -1, column <= Float(cols) else { continue }
            let inY = min(max(y, 0), Float(rows - 1)), inX = min(max(column, 0), Float(cols - 1))
            let top = Int(inY), left = Int(inX), bottom = min(top + 1, rows - 1), right = min(left + 1, cols - 1)
            let down = inY - Float(top), across = inX - Float(left)
            func at(_ row: Int, _ col: Int) -> Float { x[((image * channels + channel) * rows + row) * cols + col] }
            let above: Float = at(top, left) * (1 - across) + at(top, right) * across
            let below: Float = at(bottom, left) * (1 - across) + at(bottom, right) * across
            sum += above * (1 - down) + below * down
          }
          expected.append(sum / Float(samples * samples))
        }
      }
    }
    let attributes: [String: AttributeValue] = [
      "output_height": .int(Int64(height)), "output_width": .int(Int64(width)), "sampling_ratio": .int(Int64(samples)),
    ]
    // Regions often enough that their points outnumber the image's.
    let times = 8
    let rois = try tensor((0..<times).flatMap { _ in corners.flatMap { $0 } }, [times * corners.count, 4])
    let numbers = try tensor((0..<times).flatMap { _ in images.map { Int64($0) } }, [times * images.count])
    let y = try evaluate("RoiAlign", attributes: attributes, [try tensor(x, [2, channels, rows, cols]), rois, numbers])
    try expect(y, near: (0..<times).flatMap { _ in expected }, [times * corners.count, channels, height, width])
    let none = try evaluate(
      "RoiAlign", attributes: attributes,
      [try tensor([Float](repeating: .nan, count: channels), [1, channels, 1, 1]), try tensor([-9, -9, -4, -5] as [Float], [1, 4]), try ints(0)])
    try expect(none, [Float](repeating: 0, count: channels * height * width), [1, channels, height, width])
  }

  @Test func wrongSample() throws {
    #expect(throws: PinionError.self) {
      try evaluate("RoiAlign", [try counting([1, 1, 2, 2]), try counting([1, 4]), try ints(1)])
    }
    #expect(throws: PinionError.self) {
      try evaluate("RoiAlign", [try counting([1, 1, 2, 2]), try tensor([0, 0, .infinity, 1] as [Float], [1, 4]), try ints(0)])
    }
  }

  @Test func maxRoiPool() throws {
    let y = try evaluate(
      "MaxRoiPool", attributes: ["pooled_shape": .ints([2, 2])],
      [try counting([1, 1, 4, 4]), try tensor([0, 0, 0, 3, 3] as [Float], [1, 5])])
    try expect(y, [5, 7, 13, 15] as [Float], [1, 1, 2, 2])
  }

  @Test func nonMaxSuppression() throws {
    let boxes = try tensor(
      [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100, 1, 101] as [Float], [1, 6, 4])
    let scores = try tensor([0.9, 0.75, 0.6, 0.95, 0.5, 0.3] as [Float], [1, 1, 6])
    let y = try evaluate(
      "NonMaxSuppression",
      [boxes, scores, try ints(3), try tensor([0.5] as [Float], [1]), try tensor([0] as [Float], [1])])
    try expect(y, [0, 0, 3, 0, 0, 0, 0, 0, 5] as [Int64], [3, 3])
    try expect(try evaluate("NonMaxSuppression", [boxes, scores]), [] as [Int64], [0, 3])
  }

  /// Many boxes against the definition.
  @Test(arguments: [Int64(20), 300]) func manyBoxes(_ limit: Int64) throws {
    let count = 300
    struct Corner { var y, x, height, width: Float }
    var corners: [Corner] = []
    for index in 0..<count {
      let y = index * 53 % 97, x = index * 71 % 89
      corners.append(Corner(y: Float(y), x: Float(x), height: Float(index % 13), width: Float(index % 11)))
    }
    let scores: [Float] = (0..<count).map { Float($0 * 37 % 101) }
    var selected: [Int] = []
    func isFree(_ a: Corner, beside b: Corner) -> Bool {
      let height: Float = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
      let width: Float = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
      guard height > 0, width > 0 else { return true }
      let both: Float = a.height * a.width + b.height * b.width
      return height * width / (both - height * width) <= 0.25
    }
    let order = (0..<count).sorted { a, b in scores[a] == scores[b] ? a < b : scores[a] > scores[b] }
    for box in order where selected.count < limit {
      let isFree = selected.allSatisfy { isFree(corners[box], beside: corners[$0]) }
      if isFree { selected.append(box) }
    }
    let numbers: [Float] = corners.flatMap { [$0.y, $0.x, $0.y + $0.height, $0.x + $0.width] }
    let boxes = try tensor(numbers, [1, count, 4])
    let y = try evaluate(
      "NonMaxSuppression", [boxes, try tensor(scores, [1, 1, count]), try ints(limit), try tensor([0.25] as [Float], [1])])
    let expected: [Int64] = selected.flatMap { [0, 0, Int64($0)] }
    try expect(y, expected, [selected.count, 3])
  }

  /// Boxes apart from each other, of whose scores few are above the threshold, some are it, and some are NaN: those above stay, the best first.
  @Test(arguments: [1, 31, 32, 33, 500, 4097], [false, true]) func fewScores(_ count: Int, hasThreshold: Bool) throws {
    let corners: [Float] = (0..<count).flatMap { [Float($0), 0, Float($0) + 0.5, 1] }
    let threshold: Float = 0.5
    let scores: [Float] = (0..<2 * count).map { index in
      switch index * 7919 % 101 {
      case 0: .nan
      case 1: threshold
      case 2, 3: 0.75 + Float(index % 3) / 16
      default: Float(index % 50) / 128
      }
    }
    var expected: [Int64] = []
    for category in 0..<2 {
      let line = Array(scores[category * count..<(category + 1) * count])
      let counting = line.indices.filter { hasThreshold ? line[$0] > threshold : !line[$0].isNaN }
      let order = counting.sorted { a, b in line[a] == line[b] ? a < b : line[a] > line[b] }
      expected += order.flatMap { [0, Int64(category), Int64($0)] }
    }
    var inputs = [try tensor(corners, [1, count, 4]), try tensor(scores, [1, 2, count]), try ints(Int64(count)), try tensor([0.5] as [Float], [1])]
    if hasThreshold { inputs.append(try tensor([threshold], [1])) }
    try expect(try evaluate("NonMaxSuppression", inputs), expected, [expected.count / 3, 3])
  }
}

@Suite struct UnpoolingTests {
  @Test func maxUnpool() throws {
    let y = try evaluate(
      "MaxUnpool", attributes: ["kernel_shape": .ints([2, 2]), "strides": .ints([2, 2])],
      [try tensor([1, 2, 3, 4] as [Float], [1, 1, 2, 2]), try tensor([5, 7, 13, 15] as [Int64], [1, 1, 2, 2])])
    try expect(y, [0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 3, 0, 4] as [Float], [1, 1, 4, 4])
    #expect(throws: PinionError.self) {
      try evaluate("MaxUnpool", attributes: ["kernel_shape": .ints([1])], [try counting([1, 1, 1]), try tensor([1] as [Int64], [1, 1, 1])])
    }
  }

  /// Overlapping blocks add up: each element of the image counts the blocks it is in.
  @Test func col2Im() throws {
    let ones = try tensor([Float](repeating: 1, count: 4 * 4), [1, 4, 4])
    let y = try evaluate("Col2Im", [ones, try ints(3, 3), try ints(2, 2)], constants: [1, 2])
    try expect(y, [1, 2, 1, 2, 4, 2, 1, 2, 1] as [Float], [1, 1, 3, 3])
  }

  @Test(arguments: [Int64(1), 2], [Int64(1), 2]) func col2ImForms(_ stride: Int64, _ dilation: Int64) throws {
    for pad in [Int64(0), 1] { try col2Im(stride, dilation, pad) }
  }

  /// Each element of each column is added where its place in the block lies in the image.
  private func col2Im(_ stride: Int64, _ dilation: Int64, _ pad: Int64) throws {
    let height = 9, width = 11, block = [2, 3], s = Int(stride), d = Int(dilation), p = Int(pad)
    let places = [(height + 2 * p - d * (block[0] - 1) - 1) / s + 1, (width + 2 * p - d * (block[1] - 1) - 1) / s + 1]
    let columns = places[0] * places[1]
    let x = (0..<12 * columns).map { Float($0 % 17) - 8 }
    var image = [Float](repeating: 0, count: 2 * height * width)
    for (index, value) in x.enumerated() {
      let row = index / columns, place = index % columns
      let y = place / places[1] * s + row % 6 / 3 * d - p, column = place % places[1] * s + row % 3 * d - p
      if (0..<height).contains(y), (0..<width).contains(column) { image[(row / 6 * height + y) * width + column] += value }
    }
    let found = try evaluate(
      "Col2Im", attributes: ["strides": .ints([stride, stride]), "dilations": .ints([dilation, dilation]), "pads": .ints([pad, pad, pad, pad])],
      [try tensor(x, [1, 12, columns]), try ints(Int64(height), Int64(width)), try ints(2, 3)], constants: [1, 2])
    try expect(found, image, [1, 2, height, width])
  }

  /// Without offsets it is a convolution.
  @Test func deformConv() throws {
    let x = try counting([1, 1, 3, 3]), w = try tensor([1, 1, 1, 1] as [Float], [1, 1, 2, 2])
    let still = try tensor([Float](repeating: 0, count: 32), [1, 8, 2, 2])
    try expect(try evaluate("DeformConv", [x, w, still]), near: [8, 12, 20, 24], [1, 1, 2, 2])
    // Half an element down in the mean of two rows; below the last row there are zeros.
    var offsets = [Float](repeating: 0, count: 32)
    for cell in 0..<4 { for place in 0..<4 { offsets[cell * 8 + place] = 0.5 } }
    let y = try evaluate("DeformConv", [x, w, try tensor(offsets, [1, 8, 2, 2]), try tensor([1] as [Float], [1])])
    try expect(y, near: [1.5 + 2.5 + 4.5 + 5.5 + 1, 2.5 + 3.5 + 5.5 + 6.5 + 1, 4.5 + 5.5 + 3 + 3.5 + 1, 5.5 + 6.5 + 3.5 + 4 + 1], [1, 1, 2, 2])
  }
}
