import PinionBase
import PinionGraph
import PinionTensor
import Testing

/// A tensor without elements may name huge extents besides the 0. Nothing runs through them or makes a list of that length.
@Suite(.timeLimit(.minutes(1))) struct EmptyTensorTests {
  private static let huge = 1 << 40

  private func floats(_ dims: [Int]) throws -> Tensor { try tensor([] as [Float], dims) }

  @Test func kernelsWithNothingToWrite() throws {
    let wide = try floats([0, Self.huge])
    try expect(
      try evaluate("Scaler", domain: "ai.onnx.ml", attributes: ["scale": .floats([2]), "offset": .floats([1])], [wide]), [] as [Float],
      [0, Self.huge])
    try expect(
      try evaluate("GatherElements", [wide, try tensor([] as [Int64], [0, 1 << 32])], constants: []), [] as [Float], [0, 1 << 32])
    try expect(
      try evaluate("Pad", [try floats([Self.huge, 0]), try tensor([1, 0, 1, 0] as [Int64], [4])]),
      [] as [Float], [Self.huge + 2, 0])
  }

  @Test func rowsWithoutElements() throws {
    let tall = try floats([Self.huge, 3, 0])
    try expect(
      try evaluate("Compress", attributes: ["axis": .int(1)], [tall, try tensor([true, false, true], [3])]), [] as [Float], [Self.huge, 2, 0])
    let joined = try evaluate(
      "ConcatFromSequence", attributes: ["axis": .int(1)],
      [Value.sequence([.tensor(tall), .tensor(tall)], element: .tensor(.float32, dims: nil))])
    try expect(try joined[0].asTensor(), [] as [Float], [Self.huge, 6, 0])
    let parts = try evaluate("SplitToSequence", attributes: ["axis": .int(1)], [Value.tensor(tall)])
    #expect(try parts[0].asSequence().count == 3)
    // All slices without elements are alike.
    try expect(try evaluate("Unique", attributes: ["axis": .int(1)], [tall]), [] as [Float], [Self.huge, 1, 0])
  }

  /// Training keeps running statistics: of no elements, mean and variance are 0, and 0.9 of what there was remains.
  @Test func statisticsOfNothing() throws {
    let ones = try tensor([1, 1] as [Float], [2])
    let y = try evaluate(
      "BatchNormalization", attributes: ["training_mode": .int(1)],
      ([try floats([Self.huge, 2, 0]), ones, ones, ones, ones] as [Tensor]).map(Value.tensor), outputCount: 3)
    try expect(try y[0].asTensor(), [] as [Float], [Self.huge, 2, 0])
    try expect(try y[1].asTensor(), near: [0.9, 0.9], [2])
    try expect(try y[2].asTensor(), near: [0.9, 0.9], [2])
  }

  @Test(arguments: [
    ("Unique", "", ["axis": .int(0)]), ("SplitToSequence", "", ["axis": .int(0)]),
    ("ZipMap", "ai.onnx.ml", ["classlabels_int64s": .ints([])]),
  ] as [(String, String, [String: AttributeValue])])
  func slicesThatCannotBeListed(name: String, domain: String, attributes: [String: AttributeValue]) throws {
    #expect(throws: PinionError.self) {
      try evaluate(name, domain: domain, attributes: attributes, [Value.tensor(try floats([Self.huge, 0]))])
    }
  }

  /// A sparse map may name an extent that its keys do not reach.
  @Test func sparseMap() throws {
    let map = Value.map(keys: try tensor([2, 0] as [Int64], [2]), values: try tensor([1.5, -2] as [Float], [2]))
    let y = try evaluate(
      "CastMap", domain: "ai.onnx.ml",
      attributes: ["map_form": .string("SPARSE"), "cast_to": .string("TO_FLOAT"), "max_map": .int(4)], [map])
    try expect(try y[0].asTensor(), [-2, 0, 1.5, 0] as [Float], [1, 4])
    let texts = try evaluate(
      "CastMap", domain: "ai.onnx.ml", attributes: ["map_form": .string("SPARSE"), "cast_to": .string("TO_STRING"), "max_map": .int(3)], [map])
    #expect(try texts[0].asTensor().strings() == ["-2.0", "0.0", "1.5"])
    #expect(throws: PinionError.self) {
      try evaluate(
        "CastMap", domain: "ai.onnx.ml",
        attributes: ["map_form": .string("SPARSE"), "cast_to": .string("TO_STRING"), "max_map": .int(Int64(Int32.max))], [map])
    }
  }
}
