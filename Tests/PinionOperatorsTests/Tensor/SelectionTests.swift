import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct TopKTests {
  private func top<T: Element>(_ x: [T], _ dims: [Int], _ k: Int64, axis: Int64 = -1, largest: Int64 = 1) throws -> [Tensor] {
    try evaluate(
      "TopK", attributes: ["axis": .int(axis), "largest": .int(largest)],
      [.tensor(try tensor(x, dims)), .tensor(try ints(k))], constants: [1], outputCount: 2
    ).map { try $0.asTensor() }
  }

  @Test func example() throws {
    let y = try top([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] as [Float], [3, 4], 3)
    try expect(y[0], [3, 2, 1, 7, 6, 5, 11, 10, 9] as [Float], [3, 3])
    try expect(y[1], [3, 2, 1, 3, 2, 1, 3, 2, 1] as [Int64], [3, 3])
  }

  /// So many of a long line that they are sorted whole.
  @Test(arguments: [Int64(0), 1], [0, 1]) func manyOfALongLine(_ largest: Int64, _ axis: Int) throws {
    let n = 5000, k = 700
    let dims = axis == 0 ? [n, 2] : [2, n], step = axis == 0 ? 2 : 1
    let x = (0..<2 * n).map { Float(($0 * 7919) % 1009) - 500 }
    let y = try top(x, dims, Int64(k), axis: Int64(axis), largest: largest)
    var values = [Float](repeating: 0, count: 2 * k), indices = [Int64](repeating: 0, count: 2 * k)
    for line in 0..<2 {
      let at = { (index: Int) in axis == 0 ? index * 2 + line : line * n + index }
      let order = (0..<n).sorted { a, b in
        x[at(a)] == x[at(b)] ? a < b : (x[at(a)] > x[at(b)]) == (largest == 1)
      }
      for rank in 0..<k {
        let place = axis == 0 ? rank * step + line : line * k + rank
        values[place] = x[at(order[rank])]
        indices[place] = Int64(order[rank])
      }
    }
    try expect(y[0], values, axis == 0 ? [k, 2] : [2, k])
    try expect(y[1], indices, axis == 0 ? [k, 2] : [2, k])
  }

  @Test func firstOfEqualOnesFirst() throws {
    let y = try top([1, 3, 0, 3, -0.0, 3] as [Double], [6], 5)
    try expect(y[1], [1, 3, 5, 0, 2] as [Int64], [5])
  }

  @Test func smallestAlongOuterAxis() throws {
    let y = try top([5, 1, 2, 8, 3, 0] as [UInt8], [3, 2], 2, axis: 0, largest: 0)
    try expect(y[0], [2, 0, 3, 1] as [UInt8], [2, 2])
    try expect(y[1], [1, 2, 2, 0] as [Int64], [2, 2])
  }

  /// Against a full sort.
  @Test func manyElements() throws {
    var state: UInt32 = 1
    let x = (0..<5000).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Int32(bitPattern: state) >> 20
    }
    let order = x.indices.sorted { x[$0] > x[$1] || (x[$0] == x[$1] && $0 < $1) }
    for k in [1, 100, 5000] {
      let y = try top(x, [5000], Int64(k))
      try expect(y[1], order.prefix(k).map(Int64.init), [k])
      try expect(y[0], order.prefix(k).map { x[$0] }, [k])
    }
  }

  @Test func tooMany() throws { #expect(throws: PinionError.self) { try top([1] as [Float], [1], 2) } }
}

@Suite struct CompressTests {
  @Test func example() throws {
    let x = try tensor([1, 2, 3, 4, 5, 6] as [Float], [3, 2])
    let y = try evaluate("Compress", attributes: ["axis": .int(0)], [x, try tensor([false, true, true], [3])])
    try expect(y, [3, 4, 5, 6] as [Float], [2, 2])
    try expect(try evaluate("Compress", [x, try tensor([false, true, false, false, true], [5])]), [2, 5] as [Float], [2])
  }

  /// Slices along any axis against the definition: rows of single elements, of several, longer than what is looked at in one piece; conditions that
  /// end before the axis does.
  @Test(arguments: [([5, 7, 3], 0), ([5, 7, 3], 1), ([5, 7, 3], 2), ([2, 9001], 1), ([3, 20_000], -1), ([4, 6, 1], 1)], [0, 3])
  func alongAnyAxis(sizes: (dims: [Int], axis: Int), missing: Int) throws {
    let dims = sizes.dims, axis = sizes.axis < 0 ? sizes.axis + dims.count : sizes.axis
    let extent = dims[axis], inner = dims[(axis + 1)...].reduce(1, *), outer = dims[..<axis].reduce(1, *)
    let flags = (0..<max(extent - missing, 0)).map { $0 * $0 % 7 < 3 || $0 % 11 == 5 }
    let chosen = flags.indices.filter { flags[$0] }
    func check<T: Element & Equatable>(_ make: (Int) -> T) throws {
      let x = (0..<outer * extent * inner).map(make)
      var expected: [T] = []
      for block in 0..<outer {
        for position in chosen { expected += x[(block * extent + position) * inner..<(block * extent + position + 1) * inner] }
      }
      let y = try evaluate("Compress", attributes: ["axis": .int(Int64(sizes.axis))], [try tensor(x, dims), try tensor(flags, [flags.count])])
      try expect(y, expected, Array(dims[..<axis]) + [chosen.count] + Array(dims[(axis + 1)...]))
    }
    try check { UInt8(truncatingIfNeeded: $0 * 31) }
    try check { Int16(truncatingIfNeeded: $0 * 31) }
    try check { Float($0) }
    try check { Double($0) }
  }

  @Test func conditionTooLong() throws {
    #expect(throws: PinionError.self) { try evaluate("Compress", [try counting([1]), try tensor([false, true], [2])]) }
  }
}

@Suite struct UniqueTests {
  private func unique(_ x: Tensor, axis: Int64? = nil, sorted: Int64 = 1) throws -> [Tensor] {
    var attributes: [String: AttributeValue] = ["sorted": .int(sorted)]
    if let axis { attributes["axis"] = .int(axis) }
    return try evaluate("Unique", attributes: attributes, [.tensor(x)], outputCount: 4).map { try $0.asTensor() }
  }

  @Test(arguments: [Int64(0), 1]) func many(_ sorted: Int64) throws {
    let x = (0..<3000).map { Int64(($0 * 7919) % 613 - 300) << 33 }
    var firsts: [Int64: Int] = [:], counts: [Int64: Int64] = [:]
    for (index, value) in x.enumerated() {
      if firsts[value] == nil { firsts[value] = index }
      counts[value, default: 0] += 1
    }
    let order = firsts.keys.sorted { sorted == 1 ? $0 < $1 : (firsts[$0] ?? 0) < (firsts[$1] ?? 0) }
    let y = try unique(try tensor(x, [3000]), sorted: sorted)
    try expect(y[0], order, [order.count])
    try expect(y[1], order.map { Int64(firsts[$0] ?? -1) }, [order.count])
    try expect(y[2], x.map { Int64(order.firstIndex(of: $0) ?? -1) }, [3000])
    try expect(y[3], order.map { counts[$0] ?? 0 }, [order.count])
  }

  @Test func asTheyCome() throws {
    let y = try unique(try tensor([2, 1, 1, 3, 4, 3] as [Float], [6]), sorted: 0)
    try expect(y[0], [2, 1, 3, 4] as [Float], [4])
    try expect(y[1], [0, 1, 3, 4] as [Int64], [4])
    try expect(y[2], [0, 1, 1, 2, 3, 2] as [Int64], [6])
    try expect(y[3], [1, 2, 2, 1] as [Int64], [4])
  }

  @Test func rows() throws {
    let y = try unique(try tensor([1, 0, 0, 1, 0, 0, 2, 3, 4] as [Float], [3, 3]), axis: 0)
    try expect(y[0], [1, 0, 0, 2, 3, 4] as [Float], [2, 3])
    try expect(y[2], [0, 0, 1] as [Int64], [3])
  }

  @Test func strings() throws {
    let y = try unique(try Tensor(strings: ["b", "a", "b", ""], .vector(4)))
    #expect(try y[0].strings() == ["", "a", "b"])
    try expect(y[3], [1, 1, 2] as [Int64], [3])
  }

  @Test func empty() throws { try expect(try unique(try counting([0]))[0], [] as [Float], [0]) }
}

@Suite struct ReorderTests {
  @Test func reverseSequence() throws {
    let x = try tensor([0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15] as [Float], [4, 4])
    let y = try evaluate("ReverseSequence", [x, try ints(4, 3, 2, 1)])
    try expect(y, [3, 6, 9, 12, 2, 5, 8, 13, 1, 4, 10, 14, 0, 7, 11, 15] as [Float], [4, 4])
    let z = try evaluate(
      "ReverseSequence", attributes: ["batch_axis": .int(0), "time_axis": .int(1)], [try counting([2, 3]), try ints(2, 3)])
    try expect(z, [1, 0, 2, 5, 4, 3] as [Float], [2, 3])
    #expect(throws: PinionError.self) { try evaluate("ReverseSequence", [try counting([2, 1]), try ints(3)]) }
  }

  @Test func depthToSpace() throws {
    let x = try counting([1, 8, 1, 1])
    let depthFirst = try evaluate("DepthToSpace", attributes: ["blocksize": .int(2)], [x])
    try expect(depthFirst, [0, 2, 4, 6, 1, 3, 5, 7] as [Float], [1, 2, 2, 2])
    let columnFirst = try evaluate("DepthToSpace", attributes: ["blocksize": .int(2), "mode": .string("CRD")], [x])
    try expect(columnFirst, [0, 1, 2, 3, 4, 5, 6, 7] as [Float], [1, 2, 2, 2])
  }

  @Test(arguments: ["DCR", "CRD"]) func spaceToDepthIsTheInverse(mode: String) throws {
    let attributes: [String: AttributeValue] = ["blocksize": .int(3), "mode": .string(mode)]
    let x = try counting([2, 18, 4, 5])
    let y = try evaluate("DepthToSpace", attributes: attributes, [x])
    let z = try evaluate("SpaceToDepth", attributes: attributes, [y])
    #expect(z.hasSameContents(as: x))
    #expect(throws: PinionError.self) { try evaluate("SpaceToDepth", attributes: attributes, [x]) }
  }

  @Test func centerCropPad() throws {
    let y = try evaluate("CenterCropPad", [try counting([3, 4]), try ints(4, 1)], constants: [1])
    try expect(y, [1, 5, 9, 0] as [Float], [4, 1])
  }
}
