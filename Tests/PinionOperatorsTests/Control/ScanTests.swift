import PinionGraph
import PinionTensor
import Testing

@Suite struct ScanTests {
  /// sum += slice; the scan output is the sum.
  private func summing() throws -> Graph {
    var body = Body()
    let sum = body.input("sum")
    let slice = body.input("slice")
    let next = try body.add("Add", [sum, slice])
    return body.returning(
      [next, try body.add("Identity", [next])], types: [nil, .tensor(.float32, dims: [.known(2)])])
  }

  private func run(_ attributes: [String: AttributeValue], _ inputs: [Value]) throws -> [Tensor] {
    var attributes = attributes
    attributes["body"] = .graph(0)
    attributes["num_scan_inputs"] = .int(1)
    return try evaluate("Scan", attributes: attributes, inputs, outputCount: 2, subgraphs: [try summing()]).map { try $0.asTensor() }
  }

  // The example of the specification.
  @Test func sumsAlongTheFirstAxis() throws {
    let results = try run([:], [value([Float(0), 0], [2]), value([Float(1), 2, 3, 4, 5, 6], [3, 2])])
    try expect(results[0], [Float(9), 12], [2])
    try expect(results[1], [Float(1), 2, 4, 6, 9, 12], [3, 2])
  }

  @Test func scansOtherAxesAndBackwards() throws {
    let results = try run(
      ["scan_input_axes": .ints([-1]), "scan_output_axes": .ints([1]), "scan_input_directions": .ints([1])],
      [value([Float(0), 0], [2]), value([Float(1), 2, 3, 4, 5, 6], [2, 3])])
    try expect(results[0], [Float(6), 15], [2])
    try expect(results[1], [Float(3), 5, 6, 6, 11, 15], [2, 3])
    let backwards = try run(["scan_output_directions": .ints([1])], [value([Float(0), 0], [2]), value([Float(1), 2, 3, 4], [2, 2])])
    try expect(backwards[1], [Float(4), 6, 1, 2], [2, 2])
  }

  @Test func noStepsGiveAnEmptyOutput() throws {
    let results = try run([:], [value([Float(3), 4], [2]), value([Float](), [0, 2])])
    try expect(results[0], [Float(3), 4], [2])
    try expect(results[1], [Float](), [0, 2])
  }

  @Test func theBatchFormOfOpset8RunsEachMember() throws {
    let lengths = try value([Int64(2), 1], [2])
    let results = try run(
      ["batch": .int(2)], [lengths, value([Float(0), 0, 10, 10], [2, 2]), value([Float(1), 2, 3, 4, 5, 6, 7, 8], [2, 2, 2])])
    try expect(results[0], [Float(4), 6, 15, 16], [2, 2])
    try expect(results[1], [Float(1), 2, 4, 6, 15, 16, 0, 0], [2, 2, 2])
    // Backwards each member begins at its own end, not at that of the padding.
    let backwards = try run(
      ["batch": .int(2), "scan_input_directions": .ints([1])],
      [lengths, value([Float(0), 0, 10, 10], [2, 2]), value([Float(1), 2, 3, 4, 5, 6, 7, 8], [2, 2, 2])])
    try expect(backwards[0], [Float(4), 6, 15, 16], [2, 2])
    try expect(backwards[1], [Float(3), 4, 4, 6, 15, 16, 0, 0], [2, 2, 2])
  }
}

@Suite struct IfTests {
  @Test func runsOneBranch() throws {
    func branch(_ number: Float) throws -> Graph {
      var body = Body()
      return body.returning([body.constant(try Tensor(scalar: number))])
    }
    for condition in [true, false] {
      let result = try evaluate(
        "If", attributes: ["then_branch": .graph(0), "else_branch": .graph(1)], [value([condition], [])],
        subgraphs: [try branch(1), try branch(2)])
      try expect(try result[0].asTensor(), [Float(condition ? 1 : 2)], [])
    }
  }
}
