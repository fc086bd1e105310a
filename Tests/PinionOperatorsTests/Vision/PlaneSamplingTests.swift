import Foundation
import PinionGraph
import PinionTensor
import Testing

/// Sampling of planes at many points, against sums over the elements around each.
@Suite struct PlaneSamplingTests {
  /// Numbers between -1 and 1 in no apparent order.
  private func numbers(_ count: Int, _ seed: Int) -> [Float] {
    (0..<count).map { Float(($0 &* 7919 &+ seed &* 104_729) % 2003) / 1001 - 1 }
  }

  /// The sum over the four elements around a point of their value times one minus the distance along each axis.
  private func value(_ plane: ArraySlice<Float>, _ height: Int, _ width: Int, _ y: Double, _ x: Double) -> Double {
    var sum = 0.0
    for row in Int(y.rounded(.down))...Int(y.rounded(.down)) + 1 {
      for column in Int(x.rounded(.down))...Int(x.rounded(.down)) + 1 where (0..<height).contains(row) && (0..<width).contains(column) {
        sum += (1 - abs(y - Double(row))) * (1 - abs(x - Double(column))) * Double(plane[plane.startIndex + row * width + column])
      }
    }
    return sum
  }

  @Test(arguments: [(7, 9), (1, 2), (5, 1)], [false, true]) func gridSample(sides: (height: Int, width: Int), aligns: Bool) throws {
    let (height, width) = sides, points = 300, channels = 3
    let x = numbers(2 * channels * height * width, 1), grid = numbers(2 * points * 2, 2).map { $0 * 1.3 }
    func place(_ g: Float, _ extent: Int) -> Double {
      aligns ? (Double(g) + 1) / 2 * Double(extent - 1) : ((Double(g) + 1) * Double(extent) - 1) / 2
    }
    var expected: [Float] = []
    for sample in 0..<2 {
      for channel in 0..<channels {
        let start = (sample * channels + channel) * height * width
        for point in 0..<points {
          let at = (sample * points + point) * 2
          let plane = x[start..<start + height * width]
          expected.append(Float(value(plane, height, width, place(grid[at + 1], height), place(grid[at], width))))
        }
      }
    }
    let y = try evaluate(
      "GridSample", attributes: ["align_corners": .int(aligns ? 1 : 0)],
      [try tensor(x, [2, channels, height, width]), try tensor(grid, [2, 10, 30, 2])])
    try expect(y, near: expected, [2, channels, 10, 30], tolerance: 1e-4)
  }

  /// An infinity beside a point that has no part in it, and points that are no numbers.
  @Test func gridSampleAtTheEdge() throws {
    let x = try tensor([1, .infinity, 2, .infinity] as [Float], [1, 1, 2, 2])
    let aligned: [String: AttributeValue] = ["align_corners": .int(1)]
    // Half an element in front of the first column, and behind nothing of the second.
    let points: [Float] = [-2, -1, -2, 1, .nan, 0, .infinity, 0, 0, -.infinity]
    let y = try evaluate("GridSample", attributes: aligned, [x, try tensor(points, [1, 1, 5, 2])])
    try expect(y, near: [0.5, 1, 0, 0, 0], [1, 1, 1, 5])
  }

  @Test(arguments: [(7, 13), (9, 1)], [false, true]) func deformConv(sides: (height: Int, width: Int), hasMask: Bool) throws {
    let (height, width) = sides, channels = 4, filters = 6, kernel = [3, 1], groups = 2
    let places = [height, width]  // padded by 1 along the first axis
    let count = places[0] * places[1], cells = 3
    let x = numbers(channels * height * width, 1), w = numbers(filters * 2 * cells, 2), bias = numbers(filters, 3)
    let offsets = numbers(2 * cells * 2 * count, 4).map { $0 * 2 }, mask = numbers(2 * cells * count, 5)
    var expected: [Float] = []
    for filter in 0..<filters {
      for place in 0..<count {
        var sum = Double(bias[filter])
        for index in 0..<2 {
          // Two groups of filters with two channels each, and as many groups of offsets.
          let channel = filter / 3 * 2 + index, part = channel / 2
          for cell in 0..<cells {
            let map = part * cells + cell
            let y = Double(place / width + cell - 1) + Double(offsets[(map * 2) * count + place])
            let at = Double(place % width) + Double(offsets[(map * 2 + 1) * count + place])
            let plane = x[channel * height * width..<(channel + 1) * height * width]
            let factor = hasMask ? Double(mask[map * count + place]) : 1
            sum += Double(w[(filter * 2 + index) * cells + cell]) * factor * value(plane, height, width, y, at)
          }
        }
        expected.append(Float(sum))
      }
    }
    let y = try evaluate(
      "DeformConv",
      attributes: [
        "group": .int(Int64(groups)), "offset_group": .int(2), "pads": .ints([1, 0, 1, 0]), "kernel_shape": .ints(kernel.map(Int64.init)),
      ],
      [
        try tensor(x, [1, channels, height, width]), try tensor(w, [filters, 2, 3, 1]), try tensor(offsets, [1, 2 * cells * 2] + places),
        try tensor(bias, [filters]), hasMask ? try tensor(mask, [1, 2 * cells] + places) : nil,
      ])
    try expect(y, near: expected, [1, filters] + places, tolerance: 1e-4)
  }

  /// Blocks that lie side by side and fill the image.
  @Test(arguments: [[3], [2, 3], [2, 3, 2]], [[4], [4, 5], [1, 2, 3]]) func col2ImSideBySide(block: [Int], places: [Int]) throws {
    guard block.count == places.count else { return }
    let extents = zip(block, places).map { $0 * $1 }
    let cells = block.reduce(1, *), columns = places.reduce(1, *), plane = extents.reduce(1, *)
    let x = numbers(2 * cells * columns, 1)
    var image = [Float](repeating: 0, count: 2 * plane)
    for (index, element) in x.enumerated() {
      var cell = index / columns % cells, column = index % columns, at = 0, step = 1
      for axis in block.indices.reversed() {
        at += (column % places[axis] * block[axis] + cell % block[axis]) * step
        column /= places[axis]
        cell /= block[axis]
        step *= extents[axis]
      }
      image[index / (cells * columns) * plane + at] = element
    }
    func list(_ values: [Int]) throws -> Tensor { try tensor(values.map(Int64.init), [values.count]) }
    let y = try evaluate(
      "Col2Im", attributes: ["strides": .ints(block.map(Int64.init))],
      [try tensor(x, [1, 2 * cells, columns]), try list(extents), try list(block)], constants: [1, 2])
    try expect(y, image, [1, 2] + extents)
  }

  /// Each point is the map times its coordinates and 1, innermost coordinate first.
  @Test(arguments: [[5, 7], [3, 4, 6]], [false, true]) func affineGrid(extents: [Int], aligns: Bool) throws {
    let rank = extents.count, points = extents.reduce(1, *)
    let theta = numbers(2 * rank * (rank + 1), 1)
    var expected: [Float] = []
    for sample in 0..<2 {
      for point in 0..<points {
        var rest = point, coordinates: [Double] = []
        for extent in extents.reversed() {
          let index = Double(rest % extent)
          coordinates.append(aligns ? 2 * index / Double(extent - 1) - 1 : (2 * index + 1) / Double(extent) - 1)
          rest /= extent
        }
        coordinates.append(1)
        for row in 0..<rank {
          let line = theta[(sample * rank + row) * (rank + 1)..<(sample * rank + row + 1) * (rank + 1)]
          expected.append(Float(zip(line, coordinates).reduce(0) { $0 + Double($1.0) * $1.1 }))
        }
      }
    }
    let size = [2, 1] + extents
    let y = try evaluate(
      "AffineGrid", attributes: ["align_corners": .int(aligns ? 1 : 0)],
      [try tensor(theta, [2, rank, rank + 1]), try tensor(size.map(Int64.init), [size.count])], constants: [1])
    try expect(y, near: expected, [2] + extents + [rank])
  }
}
