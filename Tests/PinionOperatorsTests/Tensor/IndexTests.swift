import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct GatherElementsTests {
  @Test func example() throws {
    let data = try tensor([1, 2, 3, 4, 5, 6, 7, 8, 9] as [Float], [3, 3])
    let y = try evaluate("GatherElements", [data, try tensor([1, 2, 0, 2, 0, 0] as [Int64], [2, 3])])
    try expect(y, [4, 8, 3, 7, 2, 3] as [Float], [2, 3])
  }

  /// Indices that are smaller than the data in the other axes.
  @Test func smallerIndices() throws {
    let y = try evaluate(
      "GatherElements", attributes: ["axis": .int(1)], [try counting([2, 3, 4]), try tensor([2, -3, 0, 1] as [Int32], [1, 2, 2])])
    try expect(y, [8, 1, 0, 5] as [Float], [1, 2, 2])
  }

  @Test func outOfRange() throws {
    #expect(throws: PinionError.self) { try evaluate("GatherElements", [try counting([2]), try ints(2)]) }
    #expect(throws: PinionError.self) { try evaluate("GatherElements", [try counting([2, 2]), try ints(0)]) }
  }
}

@Suite struct ScatterElementsTests {
  private func scatter(_ data: [Float], _ dims: [Int], _ indices: [Int64], _ updates: [Float], _ at: [Int], _ reduction: String, axis: Int64)
    throws -> Tensor
  {
    try evaluate(
      "ScatterElements", attributes: ["axis": .int(axis), "reduction": .string(reduction)],
      [try tensor(data, dims), try tensor(indices, at), try tensor(updates, at)])
  }

  @Test func example() throws {
    try expect(try scatter([1, 2, 3, 4, 5], [1, 5], [1, 3], [1.1, 2.1], [1, 2], "none", axis: 1), [1, 1.1, 3, 2.1, 5] as [Float], [1, 5])
  }

  @Test func reductions() throws {
    for (reduction, expected): (String, [Float]) in [
      ("add", [1, 9, 3]), ("mul", [1, 24, 3]), ("max", [1, 4, 3]), ("min", [1, 2, 3]), ("none", [1, 3, 3]),
    ] {
      try expect(try scatter([1, 2, 3], [3], [1, 1], [4, 3], [2], reduction, axis: 0), expected, [3])
    }
  }

  /// Along the outer axis, where each column of the updates goes its own way.
  @Test func outerAxis() throws {
    let y = try scatter([0, 0, 0, 0, 0, 0], [3, 2], [2, 0, 1, -1], [1, 2, 3, 4], [2, 2], "none", axis: 0)
    try expect(y, [0, 2, 3, 0, 1, 4] as [Float], [3, 2])
  }

  @Test func otherTypes() throws {
    let strings = try evaluate(
      "ScatterElements",
      [try Tensor(strings: ["a", "b"], .vector(2)), try ints(1), try Tensor(strings: ["new"], .vector(1))])
    #expect(try strings.strings() == ["a", "new"])
    let halves = try evaluate(
      "ScatterElements", attributes: ["reduction": .string("add")],
      [try tensor([1, 2] as [Float16], [2]), try ints(0), try tensor([0.5] as [Float16], [1])])
    try expect(halves, [1.5, 2] as [Float16], [2])
  }

  @Test func errors() throws {
    #expect(throws: PinionError.self) { try scatter([1], [1], [1], [1], [1], "none", axis: 0) }
    #expect(throws: PinionError.self) { try scatter([1], [1], [0], [1], [1], "mean", axis: 0) }
  }
}

@Suite struct IndexTupleTests {
  @Test func gatherND() throws {
    let data = try tensor([0, 1, 2, 3] as [Int32], [2, 2])
    try expect(try evaluate("GatherND", [data, try tensor([0, 0, 1, 1] as [Int64], [2, 2])]), [0, 3] as [Int32], [2])
    try expect(try evaluate("GatherND", [data, try tensor([1, 0] as [Int64], [2, 1])]), [2, 3, 0, 1] as [Int32], [2, 2])
  }

  @Test func gatherNDWithBatch() throws {
    let y = try evaluate(
      "GatherND", attributes: ["batch_dims": .int(1)], [try counting([2, 2, 2]), try tensor([1, 0] as [Int64], [2, 1])])
    try expect(y, [2, 3, 4, 5] as [Float], [2, 2])
  }

  @Test func scatterND() throws {
    let y = try evaluate(
      "ScatterND", [try counting([8]), try tensor([4, 3, 1, -1] as [Int64], [4, 1]), try tensor([9, 10, 11, 12] as [Float], [4])])
    try expect(y, [0, 11, 2, 10, 9, 5, 6, 12] as [Float], [8])
  }

  @Test func scatterNDSlices() throws {
    let y = try evaluate(
      "ScatterND", attributes: ["reduction": .string("add")],
      [try counting([2, 300]), try tensor([1, 1] as [Int64], [2, 1]), try counting([2, 300])])
    let expected: [Float] = (0..<600).map { index in
      let sum: Int = index < 300 ? index : 3 * index - 300
      return Float(sum)
    }
    try expect(y, expected, [2, 300])
  }

  @Test func errors() throws {
    #expect(throws: PinionError.self) { try evaluate("GatherND", [try counting([2]), try tensor([2] as [Int64], [1, 1])]) }
    #expect(throws: PinionError.self) { try evaluate("GatherND", [try counting([2]), try tensor([0, 0] as [Int64], [1, 2])]) }
    #expect(throws: PinionError.self) {
      try evaluate("ScatterND", [try counting([2]), try tensor([0] as [Int64], [1, 1]), try counting([2])])
    }
  }
}

@Suite struct TensorScatterTests {
  private func write(_ position: Int64, _ mode: String) throws -> Tensor {
    try evaluate(
      "TensorScatter", attributes: ["mode": .string(mode)],
      [try counting([1, 4, 1]), try tensor([-1, -2] as [Float], [1, 2, 1]), try ints(position)])
  }

  @Test func linear() throws {
    try expect(try write(1, "linear"), [0, -1, -2, 3] as [Float], [1, 4, 1])
    #expect(throws: PinionError.self) { try write(3, "linear") }
    #expect(throws: PinionError.self) { try write(-1, "linear") }
  }

  @Test func circular() throws { try expect(try write(7, "circular"), [-2, 1, 2, -1] as [Float], [1, 4, 1]) }
}

@Suite struct OneHotTests {
  @Test func example() throws {
    let y = try evaluate(
      "OneHot", attributes: ["axis": .int(0)], [try ints(1, -1, 7), try Tensor(scalar: Int64(3)), try tensor([2, 5] as [Int32], [2])],
      constants: [1])
    try expect(y, [2, 2, 2, 5, 2, 2, 2, 5, 2] as [Int32], [3, 3])
  }

  @Test func floatIndices() throws {
    let y = try evaluate(
      "OneHot", [try tensor([1.7] as [Float], [1]), try tensor([2] as [Float], [1]), try tensor([0, 1] as [Float], [2])], constants: [1])
    try expect(y, [0, 1] as [Float], [1, 2])
  }
}

@Suite struct TriluTests {
  private func triangle(_ k: Int64?, upper: Int64) throws -> Tensor {
    try evaluate("Trilu", attributes: ["upper": .int(upper)], [try tensor(Array(1...6) as [Int32], [2, 3]), try k.map { try Tensor(scalar: $0) }])
  }

  @Test func triangles() throws {
    try expect(try triangle(nil, upper: 1), [1, 2, 3, 0, 5, 6] as [Int32], [2, 3])
    try expect(try triangle(1, upper: 1), [0, 2, 3, 0, 0, 6] as [Int32], [2, 3])
    try expect(try triangle(nil, upper: 0), [1, 0, 0, 4, 5, 0] as [Int32], [2, 3])
    try expect(try triangle(.max, upper: 0), [1, 2, 3, 4, 5, 6] as [Int32], [2, 3])
    try expect(try triangle(.min, upper: 0), [0, 0, 0, 0, 0, 0] as [Int32], [2, 3])
  }
}
