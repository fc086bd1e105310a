import Glibc
import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@Suite struct ArithmeticTests {
  @Test func sameShapes() throws {
    let a = try tensor([1, 2, 3, 4] as [Float], [2, 2]), b = try tensor([10, 20, 30, 40] as [Float], [2, 2])
    try expect(try evaluate("Add", [a, b]), [11, 22, 33, 44] as [Float], [2, 2])
    try expect(try evaluate("Sub", [a, b]), [-9, -18, -27, -36] as [Float], [2, 2])
    try expect(try evaluate("Mul", [a, b]), [10, 40, 90, 160] as [Float], [2, 2])
    try expect(try evaluate("Div", [b, a]), [10, 10, 10, 10] as [Float], [2, 2])
  }

  /// Every way in which an axis of the result may come from either operand, against the definition by indices.
  @Test(arguments: [
    ([3, 1, 4], [2, 1]), ([5], []), ([], [5]), ([1, 4, 1], [3, 1, 5]), ([2, 3, 4, 5], [3, 1, 1]), ([7, 1, 1], [1, 60, 300]),
    ([0, 3], [1, 3]), ([1, 1], [1]), ([90_000, 3], [3]), ([3], [2, 9000, 3]),
    ([2, 50, 5], [2, 1, 5]), ([2, 1, 5], [2, 50, 5]),
  ])
  func broadcasting(_ dims: ([Int], [Int])) throws {
    let a = (0..<dims.0.reduce(1, *)).map { Float($0 % 1000) }, b = (0..<dims.1.reduce(1, *)).map { Float(1000 * ($0 % 100)) }
    let result = try Shape.broadcast([try Shape(dims.0), try Shape(dims.1)])
    func element(_ values: [Float], _ dims: [Int], _ index: Int) -> Float {
      var rest = index, offset = 0, stride = 1
      for axis in result.dims.indices.reversed() {
        let own = axis - (result.rank - dims.count)
        if own >= 0 {
          offset += dims[own] == 1 ? 0 : rest % result[axis] * stride
          stride *= dims[own]
        }
        rest /= result[axis]
      }
      return values[offset]
    }
    let expected = (0..<result.count).map { element(a, dims.0, $0) - element(b, dims.1, $0) }
    try expect(try evaluate("Sub", [try tensor(a, dims.0), try tensor(b, dims.1)]), expected, result.dims)
  }

  @Test func integersWrapAndTruncate() throws {
    try expect(try evaluate("Add", [try tensor([100] as [Int8], [1]), try tensor([100] as [Int8], [1])]), [-56] as [Int8], [1])
    let quotients = try evaluate("Div", [try tensor([-7, 7, 5] as [Int32], [3]), try tensor([2, -2, 0] as [Int32], [3])])
    try expect(quotients, [-3, -3, 0] as [Int32], [3])
    try expect(try evaluate("Div", [try tensor([Int64.min], [1]), try tensor([-1] as [Int64], [1])]), [Int64.min], [1])
  }

  @Test func mismatchesAreErrors() throws {
    #expect(throws: (any Error).self) { try evaluate("Add", [try tensor([1, 2] as [Float], [2]), try tensor([1, 2, 3] as [Float], [3])]) }
    #expect(throws: (any Error).self) { try evaluate("Add", [try tensor([1] as [Float], [1]), try tensor([1] as [Int32], [1])]) }
  }

  /// The second operand is lifted by a node of its own, so that the operator has NumPy's form only.
  @Test func axisOfOldOpsets() throws {
    var draft = NodeDraft(
      domain: "", name: "Add", opset: 6, attributes: ["broadcast": .int(1), "axis": .int(1), "consumed_inputs": .ints([0, 0])],
      inputs: [.value(ValueID(index: 0)), .value(ValueID(index: 1))])
    try Add.adapt(&draft)
    #expect(draft.attributes.isEmpty)
    guard case .computed(let aligned) = draft.inputs[1] else {
      Issue.record("operand 1 is as it was")
      return
    }
    #expect(aligned.domain == "pinion" && aligned.name == "AlignAxes" && aligned.attributes == ["axis": .int(1)])
    let a = try tensor([Float](repeating: 1, count: 12), [2, 3, 2]), b = try tensor([10, 20, 30] as [Float], [3])
    let lifted = try evaluate("AlignAxes", domain: "pinion", attributes: aligned.attributes, [b, a])
    try expect(lifted, [10, 20, 30] as [Float], [3, 1])
    try expect(try evaluate("Add", [a, lifted]), [11, 11, 21, 21, 31, 31, 11, 11, 21, 21, 31, 31] as [Float], [2, 3, 2])
  }

  @Test func variadic() throws {
    let inputs = [try tensor([1, 5] as [Float], [2]), try tensor([3, 4, 0] as [Float], [3, 1]), try tensor([2] as [Float], [])]
    try expect(try evaluate("Max", inputs), [3, 5, 4, 5, 2, 5] as [Float], [3, 2])
    try expect(try evaluate("Min", inputs), [1, 2, 1, 2, 0, 0] as [Float], [3, 2])
    try expect(try evaluate("Sum", inputs), [6, 10, 7, 11, 3, 7] as [Float], [3, 2])
    try expect(try evaluate("Mean", inputs), near: [2, 10 / 3, 7 / 3, 11 / 3, 1, 7 / 3], [3, 2])
    try expect(try evaluate("Mean", [inputs[0]]), [1, 5] as [Float], [2])
    let withNaN = try evaluate("Max", [try tensor([Float.nan, 1], [2]), try tensor([0, Float.nan], [2])])
    #expect(try withNaN.elements(as: Float.self).allSatisfy { $0.isNaN })
  }

  @Test func powersOfMixedTypes() throws {
    let base = try tensor([2, 3, 4] as [Float], [3])
    try expect(try evaluate("Pow", [base, try tensor([2, 0, -1] as [Int64], [3])]), near: [4, 1, 0.25], [3])
    try expect(try evaluate("Pow", [try tensor([2, 9] as [Int32], [2]), try tensor([3, 0.5] as [Float], [2])]), [8, 3] as [Int32], [2])
    try expect(try evaluate("Pow", [try tensor([3] as [Int64], [1]), try tensor([4] as [UInt8], [])]), [81] as [Int64], [1])
  }

  @Test(arguments: [2, 3, 0.5, -1, 1.7] as [Float]) func constantExponents(_ exponent: Float) throws {
    let x: [Float] = [0.25, 1, 2, 3.5]
    let y = try evaluate("Pow", [try tensor(x, [2, 2]), try tensor([exponent], [])], constants: [1])
    try expect(y, near: x.map { powf($0, exponent) }, [2, 2])
  }

  @Test func remainders() throws {
    let a = try tensor([-4, 7, 5, 4, -7, 8] as [Int32], [6]), b = try tensor([2, -3, 8, -2, 3, 5] as [Int32], [6])
    try expect(try evaluate("Mod", [a, b]), [0, -2, 5, 0, 2, 3] as [Int32], [6])
    try expect(try evaluate("Mod", attributes: ["fmod": .int(1)], [a, b]), [0, 1, 5, 0, -1, 3] as [Int32], [6])
    let f = try tensor([-4.3, 7.2] as [Float], [2]), g = try tensor([2.1, -3.4] as [Float], [2])
    try expect(try evaluate("Mod", attributes: ["fmod": .int(1)], [f, g]), near: [-0.1, 0.4], [2])
  }

  @Test func slopes() throws {
    let x = try tensor([-1, 2, -3, 4] as [Float], [1, 2, 2])
    try expect(try evaluate("PRelu", [x, try tensor([0.5, 0.1] as [Float], [2, 1])]), near: [-0.5, 2, -0.3, 4], [1, 2, 2])
    #expect(throws: (any Error).self) { try evaluate("PRelu", [try tensor([1] as [Float], [1]), try tensor([1, 2] as [Float], [2])]) }
  }
}
