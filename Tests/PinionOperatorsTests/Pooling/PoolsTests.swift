import PinionGraph
import PinionTensor
import Testing

@Suite struct PoolTests {
  private let square: [Float] = [1, 2, 3, 4, 5, 6, 7, 8, 9]

  @Test func maximaAndTheirPlaces() throws {
    for (order, places) in [(Int64(0), [4, 5, 7, 8] as [Int64]), (1, [4, 7, 5, 8])] {
      let y = try evaluate(
        "MaxPool", attributes: ["kernel_shape": .ints([2, 2]), "storage_order": .int(order)], [.tensor(try tensor(square, [1, 1, 3, 3]))],
        outputCount: 2)
      try expect(try y[0].asTensor(), [5, 6, 8, 9] as [Float], [1, 1, 2, 2])
      try expect(try y[1].asTensor(), places, [1, 1, 2, 2])
    }
  }

  /// 0 and -0 are equal: the first of them stays, whether its place is asked for or not.
  @Test func theFirstOfEqualNumbersStays() throws {
    let x = try tensor([-0.0, 0, 0, -0.0, -1, -0.0, 0] as [Float], [1, 1, 7])
    for count in [1, 2] {
      let y = try evaluate("MaxPool", attributes: ["kernel_shape": .ints([2])], [.tensor(x)], outputCount: count)
      #expect(try elements(try y[0].asTensor(), as: Float.self).map(\.sign) == [.minus, .plus, .plus, .minus, .minus, .minus])
      if count == 2 { try expect(try y[1].asTensor(), [0, 1, 2, 3, 5, 5] as [Int64], [1, 1, 6]) }
    }
  }

  @Test func bytes() throws {
    let y = try evaluate(
      "MaxPool", attributes: ["kernel_shape": .ints([2]), "pads": .ints([1, 0])], [try tensor([-3, -1, -2] as [Int8], [1, 1, 3])])
    try expect(y, [-3, -1, -1] as [Int8], [1, 1, 3])
  }

  @Test func volumes() throws {
    let x = try tensor((0..<16).map(Float.init), [1, 1, 2, 2, 4])
    let window: [String: AttributeValue] = ["kernel_shape": .ints([2, 2, 2]), "strides": .ints([2, 2, 2])]
    try expect(try evaluate("MaxPool", attributes: window, [x]), [13, 15] as [Float], [1, 1, 1, 1, 2])
    try expect(try evaluate("AveragePool", attributes: window, [x]), [6.5, 8.5] as [Float], [1, 1, 1, 1, 2])
  }

  /// Windows so large that a task does a part of one line of the output: x[r][c] = r + c, or with a depth d, d + r + c. A window at s covers
  /// `width` columns of all rows: its mean is s + (width - 1) / 2 + the mean of the other axes' numbers, its maximum their greatest.
  @Test(arguments: [1, 2]) func windowsOfManyThousandElements(_ outer: Int) throws {
    let width = 1500, length = 3000, outputs = length - width + 1
    let dims = [Int](repeating: 2, count: outer) + [length], kernel = [Int64](repeating: 2, count: outer) + [Int64(width)]
    let x = try tensor((0..<dims.reduce(1, *)).map { Double($0 % length + ($0 / length).nonzeroBitCount) }, [1, 1] + dims)
    let shape = [1, 1] + [Int](repeating: 1, count: outer) + [outputs]
    let window: [String: AttributeValue] = ["kernel_shape": .ints(kernel)]
    let middle = Double(width - 1) / 2 + Double(outer) / 2
    try expect(try evaluate("AveragePool", attributes: window, [x]), (0..<outputs).map { Double($0) + middle }, shape)
    let y = try evaluate("MaxPool", attributes: window, [.tensor(x)], outputCount: 2)
    try expect(try y[0].asTensor(), (0..<outputs).map { Double($0 + width - 1 + outer) }, shape)
    let last = (1 << outer) - 1
    try expect(try y[1].asTensor(), (0..<outputs).map { Int64(last * length + $0 + width - 1) }, shape)
    // The sum of s ..< s + width is width times its middle, of all lines 2^outer times as much.
    let norm = try evaluate("LpPool", attributes: window.merging(["p": .int(1)]) { $1 }, [x])
    try expect(norm, (0..<outputs).map { (Double($0) + middle) * Double(width << outer) }, shape)
  }

  /// A line of 400,000 numbers goes by rows as a short one does: the mean of five neighbours of 0, 1, 2 ... is the middle one.
  @Test func longRows() throws {
    let length = 400_000
    let x = try tensor((0..<length).map { Float($0 % 1000) }, [1, 1, length])
    let window: [String: AttributeValue] = ["kernel_shape": .ints([5]), "strides": .ints([1000])]
    try expect(try evaluate("AveragePool", attributes: window, [x]), [Float](repeating: 2, count: 400), [1, 1, 400])
    let dense = try evaluate("MaxPool", attributes: ["kernel_shape": .ints([5])], [x])
    try expect(dense, (0..<length - 4).map { Float($0 % 1000 > 995 ? 999 : $0 % 1000 + 4) }, [1, 1, length - 4])
  }

  @Test func notANumberStays() throws {
    for stride in [Int64(1), 2] {
      let y = try evaluate(
        "MaxPool", attributes: ["kernel_shape": .ints([3]), "strides": .ints([stride])],
        [try tensor([1, .nan, 2, 3, 4, 5, 1] as [Float], [1, 1, 7])])
      let values = Array(try y.elements(as: Float.self))
      #expect(values.map(\.isNaN) == (stride == 1 ? [true, true, false, false, false] : [true, false, false]))
      #expect(values.last == 5)
    }
  }

  @Test func meansCountPaddingWhereAsked() throws {
    let x = try tensor([2, 4] as [Float], [1, 1, 2])
    let window: [String: AttributeValue] = ["kernel_shape": .ints([2]), "pads": .ints([1, 1])]
    try expect(try evaluate("AveragePool", attributes: window, [x]), [2, 3, 4] as [Float], [1, 1, 3])
    let counting = window.merging(["count_include_pad": .int(1)]) { $1 }
    try expect(try evaluate("AveragePool", attributes: counting, [x]), [1, 3, 2] as [Float], [1, 1, 3])
  }

  @Test func roundingUpKeepsWindowsThatStartInside() throws {
    let x = try tensor([1, 2, 3, 4, 5] as [Float], [1, 1, 5])
    let y = try evaluate("MaxPool", attributes: ["kernel_shape": .ints([2]), "strides": .ints([2]), "ceil_mode": .int(1)], [x])
    try expect(y, [2, 4, 5] as [Float], [1, 1, 3])
  }

  // ceil((1 - 2) / 4) + 1 = 1 window along the first axis, of which one element is there.
  @Test(arguments: [("MaxPool", [2, 4]), ("AveragePool", [1.5, 3.5]), ("LpPool", [2.236068, 5])] as [(String, [Float])])
  func roundingUpKeepsAWindowLongerThanTheInput(_ name: String, _ expected: [Float]) throws {
    let x = try tensor([1, 2, 3, 4] as [Float], [1, 1, 1, 4])
    let attributes: [String: AttributeValue] = ["kernel_shape": .ints([2, 2]), "strides": .ints([4, 2]), "ceil_mode": .int(1)]
    try expect(try evaluate(name, attributes: attributes, [x]), near: expected.map { $0 }, [1, 1, 1, 2])
    #expect(throws: (any Error).self) { try evaluate(name, attributes: ["kernel_shape": .ints([2, 2])], [x]) }
  }

  /// Windows of one row side by side, which several rows have in common or, where a remainder stays, have not: each output is of its own k elements.
  @Test(arguments: [(6, 12, 4), (5, 9, 3), (7, 20, 5), (4, 14, 4), (2, 4200, 3)], ["MaxPool", "AveragePool"])
  func windowsOfOneRow(sizes: (rows: Int, width: Int, k: Int), name: String) throws {
    let (rows, width, k) = sizes, columns = width / k
    let x: [Float] = pattern(6 * rows * width)
    var expected: [Float] = []
    for row in 0..<6 * rows {
      for column in 0..<columns {
        let window = x[(row * width + column * k)...].prefix(k)
        expected.append(name == "MaxPool" ? window.max() ?? 0 : window.reduce(0, +) / Float(k))
      }
    }
    let attributes: [String: AttributeValue] = ["kernel_shape": .ints([1, Int64(k)]), "strides": .ints([1, Int64(k)])]
    try expect(try evaluate(name, attributes: attributes, [try tensor(x, [2, 3, rows, width])]), expected, [2, 3, rows, columns])
  }

  @Test func norms() throws {
    let x = try tensor([3, -4, 0, 2] as [Float], [1, 2, 2])
    try expect(try evaluate("LpPool", attributes: ["kernel_shape": .ints([2])], [x]), near: [5, 2], [1, 2, 1])
    try expect(try evaluate("GlobalLpPool", attributes: ["p": .int(1)], [x]), near: [7, 2], [1, 2, 1])
  }

  @Test func global() throws {
    let x = try tensor([1, 2, 3, 6] as [Double], [1, 2, 1, 2])
    try expect(try evaluate("GlobalAveragePool", [x]), [1.5, 4.5] as [Double], [1, 2, 1, 1])
    try expect(try evaluate("GlobalMaxPool", [x]), [2, 6] as [Double], [1, 2, 1, 1])
  }

  @Test func windowIsRequired() throws {
    #expect(throws: (any Error).self) { try evaluate("MaxPool", [try tensor(square, [1, 1, 3, 3])]) }
  }
}
