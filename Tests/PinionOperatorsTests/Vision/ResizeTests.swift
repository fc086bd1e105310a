import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct ResizeTests {
  private func resize(
    _ x: Tensor, scales: [Float]? = nil, sizes: [Int64]? = nil, roi: [Float]? = nil, _ attributes: [String: AttributeValue] = [:]
  ) throws -> Tensor {
    try evaluate(
      "Resize", attributes: attributes,
      [x, try roi.map { try Tensor(vector: $0) }, try scales.map { try Tensor(vector: $0) }, try sizes.map { try Tensor(vector: $0) }],
      constants: [1, 2, 3])
  }

  /// N-linear interpolation at half pixels by its definition, for the last two axes.
  private func bilinear(_ x: [Float], _ rows: Int, _ cols: Int, _ newRows: Int, _ newCols: Int) -> [Float] {
    func weights(_ place: Int, _ old: Int, _ new: Int) -> (Int, Int, Double) {
      let position = min(max((Double(place) + 0.5) * Double(old) / Double(new) - 0.5, 0), Double(old - 1))
      let left = Int(position)
      return (left, min(left + 1, old - 1), position - Double(left))
    }
    var result: [Float] = []
    for plane in 0..<x.count / (rows * cols) {
      for row in 0..<newRows {
        for col in 0..<newCols {
          let (top, bottom, down) = weights(row, rows, newRows), (left, right, across) = weights(col, cols, newCols)
          func at(_ y: Int, _ x2: Int) -> Double { Double(x[(plane * rows + y) * cols + x2]) }
          let upper = at(top, left) * (1 - across) + at(top, right) * across
          let lower = at(bottom, left) * (1 - across) + at(bottom, right) * across
          result.append(Float(upper * (1 - down) + lower * down))
        }
      }
    }
    return result
  }

  @Test(arguments: [(5, 7, 10, 14), (20, 30, 7, 9), (3, 3, 64, 65), (13, 17, 13, 40), (13, 17, 40, 17), (1, 1, 3, 3)])
  func bilinearPlanes(rows: Int, cols: Int, newRows: Int, newCols: Int) throws {
    let elements = (0..<6 * rows * cols).map { Float(($0 * 7919) % 101) - 50 }
    let y = try resize(
      try tensor(elements, [2, 3, rows, cols]), sizes: [2, 3, Int64(newRows), Int64(newCols)], ["mode": .string("linear")])
    try expect(y, near: bilinear(elements, rows, cols, newRows, newCols), [2, 3, newRows, newCols])
  }

  @Test func channelsLast() throws {
    let planes = try counting([1, 3, 4, 5])
    let last = try evaluate("Transpose", attributes: ["perm": .ints([0, 2, 3, 1])], [planes])
    let a = try resize(planes, sizes: [1, 3, 9, 8], ["mode": .string("cubic")])
    let b = try resize(last, sizes: [9, 8], ["mode": .string("cubic"), "axes": .ints([1, 2])])
    let back = try evaluate("Transpose", attributes: ["perm": .ints([0, 3, 1, 2])], [b])
    try expect(back, near: Array(try a.elements(as: Float.self)), [1, 3, 9, 8])
  }

  /// A region that ends with the axis has its last place on the last element, whatever the float of its start rounds to.
  @Test(arguments: [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.9] as [Float], ["nearest", "linear"]) func regionToTheEnd(start: Float, mode: String) throws {
    for extent in 2...9 {
      for count in 2...12 {
        let x = try tensor((1...extent).map(Float.init), [extent])
        let y = try resize(
          x, sizes: [Int64(count)], roi: [start, 1],
          ["mode": .string(mode), "coordinate_transformation_mode": .string("tf_crop_and_resize"), "extrapolation_value": .float(-9)])
        let last = try #require(Array(try y.elements(as: Float.self)).last)
        #expect(abs(last - Float(extent)) < 1e-4, "extent \(extent), count \(count)")
      }
    }
  }

  @Test func nearest() throws {
    let x = try tensor([1, 2, 3, 4] as [UInt8], [1, 1, 2, 2])
    try expect(
      try resize(x, scales: [1, 1, 2, 3]), [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4] as [UInt8],
      [1, 1, 4, 6])
    let strings = try resize(try Tensor(strings: ["a", "b"], .vector(2)), scales: [2])
    #expect(try strings.strings() == ["a", "a", "b", "b"])
  }

  /// Half of 3 elements at the same corners: x = 0 and 2.
  @Test func alignedCorners() throws {
    let attributes: [String: AttributeValue] = [
      "mode": .string("linear"), "coordinate_transformation_mode": .string("align_corners"),
    ]
    try expect(try resize(try counting([3]), sizes: [2], attributes), near: [0, 2], [2])
    try expect(try resize(try counting([3]), sizes: [5], attributes), near: [0, 0.5, 1, 1.5, 2], [5])
  }

  @Test func cropWithExtrapolation() throws {
    let attributes: [String: AttributeValue] = [
      "mode": .string("linear"), "coordinate_transformation_mode": .string("tf_crop_and_resize"), "extrapolation_value": .float(10),
    ]
    let y = try resize(try counting([5]), sizes: [3], roi: [0.5, 1.5], attributes)
    try expect(y, near: [2, 4, 10], [3])
  }

  @Test func integersAreRounded() throws {
    let linear: [String: AttributeValue] = ["mode": .string("linear"), "coordinate_transformation_mode": .string("align_corners")]
    try expect(try resize(try tensor([0, 255] as [UInt8], [2]), sizes: [4], linear), [0, 85, 170, 255] as [UInt8], [4])
    try expect(try resize(try tensor([-3, 4] as [Int32], [2]), sizes: [3], linear), [-3, 0, 4] as [Int32], [3])
    let halves = try resize(try tensor([0, 3] as [Float16], [2]), sizes: [4], linear)
    try expect(halves, [0, 1, 2, 3] as [Float16], [4])
  }

  @Test func aspectRatio() throws {
    let y = try resize(try counting([2, 4]), sizes: [7, 8], ["keep_aspect_ratio_policy": .string("not_larger")])
    #expect(y.shape.dims == [4, 8])
    let z = try resize(try counting([2, 4]), sizes: [7, 8], ["keep_aspect_ratio_policy": .string("not_smaller")])
    #expect(z.shape.dims == [7, 14])
  }

  @Test func threeAxes() throws {
    let y = try resize(try counting([2, 2, 2]), sizes: [3, 3, 3], [
      "mode": .string("linear"), "coordinate_transformation_mode": .string("align_corners"),
    ])
    let expected: [Float] = (0..<27).map { index in
      let z: Float = Float(index / 9) * 2
      let row: Float = Float(index / 3 % 3)
      let col: Float = Float(index % 3) / 2
      return z + row + col
    }
    try expect(y, near: expected, [3, 3, 3])
  }

  @Test func errors() throws {
    #expect(throws: PinionError.self) { try resize(try counting([2]), scales: [0]) }
    #expect(throws: PinionError.self) { try resize(try counting([2]), scales: [.nan]) }
    #expect(throws: PinionError.self) { try resize(try counting([2]), scales: [1e30]) }
    #expect(throws: PinionError.self) { try resize(try counting([2]), sizes: [2, 2]) }
    #expect(throws: PinionError.self) { try resize(try counting([0]), sizes: [2]) }
    #expect(throws: PinionError.self) { try resize(try counting([2])) }
  }
}
