import PinionBase
import PinionGraph
import PinionTensor
import Testing

/// 0, 1, 2, ... as floats.
func counting(_ dims: [Int]) throws -> Tensor { try tensor((0..<dims.reduce(1, *)).map(Float.init), dims) }
func ints(_ values: Int64...) throws -> Tensor { try Tensor(vector: values) }

/// The elements of `counting(dims)` transposed, by the definition.
private func transposed(_ dims: [Int], _ permutation: [Int]) -> [Float] {
  let out = permutation.map { dims[$0] }
  return (0..<dims.reduce(1, *)).map { flat in
    var rest = flat
    var index = [Int](repeating: 0, count: dims.count)
    for axis in out.indices.reversed() {
      index[permutation[axis]] = rest % out[axis]
      rest /= out[axis]
    }
    return Float(zip(index, dims).reduce(0) { $0 * $1.1 + $1.0 })
  }
}

@Suite struct TransposeTests {
  @Test(arguments: [
    ([2, 3], [1, 0]), ([67, 131], [1, 0]), ([5, 70, 33], [0, 2, 1]), ([3, 17, 19, 8], [0, 2, 1, 3]), ([2, 3, 4, 5], [3, 1, 0, 2]),
    ([1, 3, 40, 50], [0, 2, 3, 1]), ([1, 40, 50, 3], [0, 3, 1, 2]), ([9, 9, 2], [1, 0, 2]), ([300, 400], [1, 0]),
    ([2, 2, 2, 2, 2, 2, 2, 2, 2, 2], [9, 7, 5, 3, 1, 0, 2, 4, 6, 8]),
  ]) func orders(dims: [Int], permutation: [Int]) throws {
    let y = try evaluate("Transpose", attributes: ["perm": .ints(permutation.map(Int64.init))], [try counting(dims)])
    try expect(y, transposed(dims, permutation), permutation.map { dims[$0] })
  }

  @Test func widths() throws {
    let dims = [37, 50]
    let expected = transposed(dims, [1, 0])
    func check<T: Element & Equatable>(_ make: (Float) -> T) throws {
      let x = try tensor((0..<1850).map { make(Float($0)) }, dims)
      try expect(try evaluate("Transpose", [x]), expected.map(make), [50, 37])
    }
    try check { UInt8(Int($0) % 251) }
    try check { UInt16($0) }
    try check { Double($0) }
    let strings = try evaluate("Transpose", [try Tensor(strings: ["a", "b", "c", "d", "e", "f"], try Shape([2, 3]))])
    #expect(try strings.strings() == ["a", "d", "b", "e", "c", "f"])
  }

  @Test func wrongPermutation() throws {
    for perm: [Int64] in [[0], [0, 0], [0, 2]] {
      #expect(throws: PinionError.self) { try evaluate("Transpose", attributes: ["perm": .ints(perm)], [try counting([2, 3])]) }
    }
  }

  @Test func empty() throws { try expect(try evaluate("Transpose", [try counting([0, 3])]), [] as [Float], [3, 0]) }
}

@Suite struct ConcatTests {
  @Test func middleAxis() throws {
    let a = try tensor([1, 2, 3, 4] as [Int8], [2, 1, 2]), b = try tensor([5, 6, 7, 8, 9, 10, 11, 12] as [Int8], [2, 2, 2])
    let y = try evaluate("Concat", attributes: ["axis": .int(-2)], [a, b])
    try expect(y, [1, 2, 5, 6, 7, 8, 3, 4, 9, 10, 11, 12] as [Int8], [2, 3, 2])
  }

  @Test func emptyAmongThem() throws {
    let y = try evaluate("Concat", attributes: ["axis": .int(0)], [try counting([0, 2]), try counting([1, 2])])
    try expect(y, [0, 1] as [Float], [1, 2])
  }

  @Test func extentsDiffer() throws {
    #expect(throws: PinionError.self) {
      try evaluate("Concat", attributes: ["axis": .int(0)], [try counting([2, 3]), try counting([2, 4])])
    }
  }
}

@Suite struct SplitTests {
  private func split(_ x: Tensor, _ sizes: Tensor?, axis: Int64, count: Int) throws -> [Tensor] {
    var attributes: [String: AttributeValue] = ["axis": .int(axis)]
    if sizes == nil { attributes["num_outputs"] = .int(Int64(count)) }
    let inputs: [Value?] = [.tensor(x), sizes.map(Value.tensor)]
    return try evaluate("Split", attributes: attributes, inputs, constants: [1], outputCount: count).map { try $0.asTensor() }
  }

  @Test func givenSizes() throws {
    let y = try split(try counting([2, 6]), try ints(2, 4), axis: 1, count: 2)
    try expect(y[0], [0, 1, 6, 7] as [Float], [2, 2])
    try expect(y[1], [2, 3, 4, 5, 8, 9, 10, 11] as [Float], [2, 4])
  }

  @Test func lastPieceIsSmaller() throws {
    let y = try split(try counting([7]), nil, axis: 0, count: 4)
    #expect(y.map(\.shape.dims) == [[2], [2], [2], [1]])
    try expect(y[3], [6] as [Float], [1])
  }

  @Test func sizesDoNotAddUp() throws {
    #expect(throws: PinionError.self) { try split(try counting([6]), try ints(2, 3), axis: 0, count: 2) }
    #expect(throws: PinionError.self) { try split(try counting([6]), try ints(7, -1), axis: 0, count: 2) }
  }
}

@Suite struct SliceTests {
  private func slice(_ dims: [Int], _ starts: Tensor, _ ends: Tensor, _ axes: Tensor? = nil, _ steps: Tensor? = nil) throws -> Tensor {
    try evaluate("Slice", [try counting(dims), starts, ends, axes, steps], constants: [1, 2, 3, 4])
  }

  @Test func steps() throws {
    try expect(try slice([2, 4], try ints(1, 0), try ints(2, 3), try ints(0, 1), try ints(1, 2)), [4, 6] as [Float], [1, 2])
  }

  @Test func backwards() throws {
    try expect(try slice([5], try ints(.max), try ints(.min), nil, try ints(-2)), [4, 2, 0] as [Float], [3])
    try expect(try slice([5], try ints(3), try ints(0), nil, try ints(.min)), [3] as [Float], [1])
  }

  @Test func nothingLeft() throws { try expect(try slice([5], try ints(4), try ints(2)), [] as [Float], [0]) }

  @Test func zeroStep() throws {
    #expect(throws: PinionError.self) { try slice([5], try ints(0), try ints(2), nil, try ints(0)) }
    #expect(throws: PinionError.self) { try slice([5], try ints(0, 0), try ints(2, 2), try ints(0, 0)) }
  }

  @Test func runTimePositions() throws {
    let y = try evaluate("Slice", [try counting([2, 3]), try ints(1), try ints(9), try ints(1)])
    try expect(y, [1, 2, 4, 5] as [Float], [2, 2])
  }
}

@Suite struct GatherTests {
  @Test func example() throws {
    let data = try tensor([1, 1.2, 1.9, 2.3, 3.4, 3.9, 4.5, 5.7, 5.9] as [Float], [3, 3])
    let y = try evaluate("Gather", attributes: ["axis": .int(1)], [data, try tensor([0, 2] as [Int64], [1, 2])])
    try expect(y, [1, 1.9, 2.3, 3.9, 4.5, 5.9] as [Float], [3, 1, 2])
  }

  @Test(arguments: [Set<Int>(), [1]]) func negativeScalar(constants: Set<Int>) throws {
    let y = try evaluate("Gather", [try counting([3, 2]), try Tensor(scalar: Int32(-1))], constants: constants)
    try expect(y, [4, 5] as [Float], [2])
  }

  @Test(arguments: [Set<Int>(), [1]]) func outOfRange(constants: Set<Int>) throws {
    for index: Int64 in [3, -4, .min] {
      #expect(throws: PinionError.self) { try evaluate("Gather", [try counting([3, 2]), try ints(index)], constants: constants) }
    }
  }
}

@Suite struct ShapeChangeTests {
  @Test func squeeze() throws {
    try expect(try evaluate("Squeeze", [try counting([1, 2, 1])]), [0, 1] as [Float], [2])
    try expect(try evaluate("Squeeze", [try counting([1, 2, 1]), try ints(-1)], constants: [1]), [0, 1] as [Float], [1, 2])
    #expect(throws: PinionError.self) { try evaluate("Squeeze", [try counting([1, 2]), try ints(1)], constants: [1]) }
  }

  @Test func unsqueeze() throws {
    let y = try evaluate("Unsqueeze", [try counting([2]), try ints(-1, 0)], constants: [1])
    try expect(y, [0, 1] as [Float], [1, 2, 1])
    #expect(throws: PinionError.self) { try evaluate("Unsqueeze", [try counting([2]), try ints(0, 0)], constants: [1]) }
  }

  @Test func flatten() throws {
    for (axis, dims) in [(0, [1, 24]), (1, [2, 12]), (3, [24, 1]), (-1, [6, 4])] {
      let y = try evaluate("Flatten", attributes: ["axis": .int(Int64(axis))], [try counting([2, 3, 4])])
      #expect(y.shape.dims == dims)
    }
    #expect(throws: PinionError.self) { try evaluate("Flatten", attributes: ["axis": .int(3)], [try counting([2, 3])]) }
  }

  @Test func expand() throws {
    let y = try evaluate("Expand", [try tensor([1, 2] as [Int32], [2, 1]), try ints(2, 1, 3)], constants: [1])
    try expect(y, [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2] as [Int32], [2, 2, 3])
    #expect(throws: PinionError.self) { try evaluate("Expand", [try counting([2]), try ints(3)], constants: [1]) }
    #expect(throws: PinionError.self) { try evaluate("Expand", [try counting([1]), try ints(1 << 45, 1 << 45)], constants: [1]) }
  }

  @Test func tile() throws {
    let y = try evaluate("Tile", [try tensor([1, 2, 3, 4] as [UInt16], [2, 2]), try ints(1, 2)], constants: [1])
    try expect(y, [1, 2, 1, 2, 3, 4, 3, 4] as [UInt16], [2, 4])
    #expect(throws: PinionError.self) { try evaluate("Tile", [try counting([2]), try ints(1, 1)], constants: [1]) }
  }

  @Test func constantOfShape() throws {
    try expect(try evaluate("ConstantOfShape", [try ints(2, 1)]), [0, 0] as [Float], [2, 1])
    let value = AttributeValue.tensor(try tensor([7] as [Int16], [1]))
    try expect(try evaluate("ConstantOfShape", attributes: ["value": value], [try ints(9)]), [Int16](repeating: 7, count: 9), [9])
    #expect(throws: PinionError.self) { try evaluate("ConstantOfShape", [try ints(-1)]) }
  }

  @Test func size() throws { try expect(try evaluate("Size", [try counting([3, 4])]), [12] as [Int64], []) }
}

@Suite struct PadTests {
  private func pad(_ dims: [Int], _ pads: [Int64], _ mode: String, axes: [Int64]? = nil) throws -> Tensor {
    try evaluate(
      "Pad", attributes: ["mode": .string(mode)],
      [try counting(dims), try Tensor(vector: pads), nil, try axes.map { try Tensor(vector: $0) }], constants: [1, 3])
  }

  @Test func modes() throws {
    try expect(try pad([3], [2, 3], "constant"), [0, 0, 0, 1, 2, 0, 0, 0] as [Float], [8])
    try expect(try pad([3], [2, 3], "edge"), [0, 0, 0, 1, 2, 2, 2, 2] as [Float], [8])
    try expect(try pad([3], [2, 3], "reflect"), [2, 1, 0, 1, 2, 1, 0, 1] as [Float], [8])
    try expect(try pad([3], [2, 4], "wrap"), [1, 2, 0, 1, 2, 0, 1, 2, 0] as [Float], [9])
  }

  @Test func constantValue() throws {
    let y = try evaluate(
      "Pad", [try tensor([1, 2, 3, 4] as [Int64], [2, 2]), try ints(1, 0, 0, 1), try Tensor(scalar: Int64(9))], constants: [1])
    try expect(y, [9, 9, 9, 1, 2, 9, 3, 4, 9] as [Int64], [3, 3])
  }

  @Test func negative() throws {
    try expect(try pad([2, 3], [-1, 1, 1, -2], "constant"), [0, 3, 0, 0] as [Float], [2, 2])
    try expect(try pad([4], [-5, 3], "constant"), [0, 0] as [Float], [2])
    try expect(try pad([4], [-1, 2], "edge"), [1, 2, 3, 3, 3] as [Float], [5])
    #expect(throws: PinionError.self) { try pad([4], [-3, -2], "constant") }
  }

  @Test func innerRuns() throws {
    try expect(try pad([1, 2, 2], [1, 1], "reflect", axes: [1]), [2, 3, 0, 1, 2, 3, 0, 1] as [Float], [1, 4, 2])
  }

  @Test func nothingToRepeat() throws {
    #expect(throws: PinionError.self) { try pad([0], [1, 1], "edge") }
    #expect(throws: PinionError.self) { try pad([2], [.min, .max], "constant") }
  }
}
