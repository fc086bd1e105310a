import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

/// Runs a node of an older opset the way the importer makes it a new one.
private func evaluate(
  older type: any Operator.Type, opset: Int64, attributes: [String: AttributeValue] = [:], _ inputs: [Tensor]
) throws -> Tensor {
  var draft = NodeDraft(
    domain: "", name: type.schema.name, opset: opset, attributes: attributes, inputs: inputs.map(NodeDraft.Operand.constant))
  try type.adapt(&draft)
  let operands: [Tensor?] = draft.inputs.map { operand in
    if case .constant(let tensor) = operand { tensor } else { nil }
  }
  return try evaluate(draft.name, attributes: draft.attributes, operands, constants: Set(operands.indices.dropFirst()))
}

@Suite struct OlderFormTests {
  @Test func scatter() throws {
    #expect(Scatter.schema.name == "Scatter")
    let y = try evaluate(
      older: Scatter.self, opset: 9, attributes: ["axis": .int(1)],
      [
        try tensor([1, 2, 3, 4, 5] as [Float], [1, 5]), try tensor([1, 3] as [Int64], [1, 2]), try tensor([1.1, 2.1] as [Float], [1, 2]),
      ])
    try expect(y, [1, 1.1, 3, 2.1, 5] as [Float], [1, 5])
  }

  /// ONNX's test of Resize-10: the nearest elements of 1...4 at 0, 1.67 are 1, 3. An axis that grows rounds down.
  @Test func resizeOfOpset10() throws {
    let x = try tensor([1, 2, 3, 4, 5, 6, 7, 8] as [Float], [1, 1, 2, 4])
    try expect(try evaluate(older: Resize.self, opset: 10, [x, try tensor([1, 1, 0.6, 0.6] as [Float], [4])]), [1, 3] as [Float], [1, 1, 1, 2])
    let row = try tensor([1, 2, 3] as [Float], [3])
    try expect(try evaluate(older: Resize.self, opset: 10, [row, try tensor([1.7] as [Float], [1])]), [1, 1, 2, 2, 3] as [Float], [5])
  }

  @Test func upsample() throws {
    #expect(Upsample.schema.name == "Upsample")
    let x = try tensor([1, 2, 3, 4] as [Float], [1, 1, 2, 2])
    let nearest: [Float] = [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4]
    for (opset, attributes): (Int64, [String: AttributeValue]) in [
      (1, ["height_scale": .float(2), "width_scale": .float(3)]), (7, ["scales": .floats([1, 1, 2, 3])]),
    ] {
      try expect(try evaluate(older: Upsample.self, opset: opset, attributes: attributes, [x]), nearest, [1, 1, 4, 6])
    }
    let scales = try tensor([1, 1, 1, 2] as [Float], [4])
    let linear = try evaluate(older: Upsample.self, opset: 9, attributes: ["mode": .string("linear")], [x, scales])
    try expect(linear, near: [1, 1.5, 2, 2, 3, 3.5, 4, 4], [1, 1, 2, 4])
    #expect(throws: PinionError.self) { try evaluate(older: Upsample.self, opset: 1, [x]) }
  }

  @Test func attributesThatBecameInputs() throws {
    let x = try counting([2, 3])
    let slice = try evaluate(
      older: Slice.self, opset: 1, attributes: ["starts": .ints([0, 1]), "ends": .ints([1, 9]), "axes": .ints([0, 1])], [x])
    try expect(slice, [1, 2] as [Float], [1, 2])
    let pad = try evaluate(older: Pad.self, opset: 2, attributes: ["pads": .ints([0, 0, 0, 1]), "value": .float(-1)], [x])
    try expect(pad, [0, 1, 2, -1, 3, 4, 5, -1] as [Float], [2, 4])
    let top = try evaluate(older: TopK.self, opset: 1, attributes: ["k": .int(1)], [x])
    try expect(top, [2, 5] as [Float], [2, 1])
    let resized = try evaluate(older: Resize.self, opset: 10, [try counting([2]), try tensor([1.5] as [Float], [1])])
    try expect(resized, [0, 0, 1] as [Float], [3])
  }

  /// Tile took the number and the axis as numbers of the input's type.
  @Test func tileOfOneAxis() throws {
    let y = try evaluate(older: Tile.self, opset: 1, [try counting([1, 2]), try Tensor(vector: [2] as [Float]), try Tensor(vector: [1] as [Float])])
    try expect(y, [0, 1, 0, 1] as [Float], [1, 4])
  }
}

@Suite struct IdentityTests {
  @Test func tensorsAndSequences() throws {
    let x = try counting([2])
    #expect(try evaluate("Identity", [x]).hasSameContents(as: x))
    let sequence = Value.sequence([.tensor(x), .tensor(x)], element: .tensor(.float32, dims: nil))
    #expect(try evaluate("Identity", [sequence])[0].asSequence().count == 2)
  }
}

@Suite struct ShapeTests {
  @Test func wholeAndPart() throws {
    try expect(try evaluate("Shape", [try counting([2, 3, 4])]), [2, 3, 4] as [Int64], [3])
    let part = try evaluate("Shape", attributes: ["start": .int(-9), "end": .int(-1)], [try counting([2, 3, 4])])
    try expect(part, [2, 3] as [Int64], [2])
    try expect(try evaluate("Shape", attributes: ["start": .int(2), "end": .int(1)], [try counting([2, 3])]), [] as [Int64], [0])
  }

  @Test func reshape() throws {
    try expect(try evaluate("Reshape", [try counting([2, 3]), try ints(0, -1, 1)], constants: [1]), [0, 1, 2, 3, 4, 5] as [Float], [2, 3, 1])
    // 0 takes the extent from the input, -1 what the other extents leave: 3 for every number of rows, 0 rows as well.
    try expect(try evaluate("Reshape", [try counting([0, 3]), try ints(0, -1)], constants: [1]), [] as [Float], [0, 3])
    try expect(try evaluate("Reshape", [try counting([0, 4, 3]), try ints(0, 2, -1)], constants: [1]), [] as [Float], [0, 2, 6])
    #expect(throws: PinionError.self) { try evaluate("Reshape", [try counting([0, 3]), try ints(0, 2, -1)], constants: [1]) }
    for shape in [try ints(-1, -1), try ints(4), try ints(-1, 4), try ints(2, 3, 0)] {
      #expect(throws: PinionError.self) { try evaluate("Reshape", [try counting([2, 3]), shape], constants: [1]) }
    }
  }

  @Test func nonZero() throws {
    try expect(try evaluate("NonZero", [try tensor([1, 0, 0, -2] as [Int8], [2, 2])]), [0, 1, 0, 1] as [Int64], [2, 2])
  }
}
