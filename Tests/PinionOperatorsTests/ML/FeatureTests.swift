import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct FeatureTests {
  private func run(_ name: String, _ attributes: [String: AttributeValue], _ inputs: [Value]) throws -> Value {
    try evaluate(name, domain: "ai.onnx.ml", attributes: attributes, inputs)[0]
  }

  private func run(_ name: String, _ attributes: [String: AttributeValue], _ inputs: Value...) throws -> Tensor {
    try run(name, attributes, inputs).asTensor()
  }

  private func strings(_ texts: [String]) throws -> Value { .tensor(try Tensor(strings: texts, .vector(texts.count))) }

  @Test func normalizes() throws {
    let input = try value([Float(3), -4, 0, 0], [2, 2])
    try expect(try run("Normalizer", ["norm": .string("L2")], input), near: [0.6, -0.8, 0, 0], [2, 2])
    try expect(try run("Normalizer", ["norm": .string("L1")], input), near: [3.0 / 7, -4.0 / 7, 0, 0], [2, 2])
    try expect(try run("Normalizer", [:], value([Int64(2), 4], [2])), [Float(0.5), 1], [2])
    #expect(throws: PinionError.self) { try run("Normalizer", ["norm": .string("L3")], input) as Tensor }
  }

  @Test func scales() throws {
    let attributes: [String: AttributeValue] = ["offset": .floats([1, 2]), "scale": .floats([2, 3])]
    try expect(try run("Scaler", attributes, value([1.0, 3, 0, 0], [2, 2])), [Float(0), 3, -2, -6], [2, 2])
    try expect(try run("Scaler", ["offset": .floats([1]), "scale": .floats([2])], value([Float(1), 3], [1, 2])), [Float(0), 4], [1, 2])
    #expect(throws: PinionError.self) { try run("Scaler", attributes, value([Float(1), 2, 3], [1, 3])) as Tensor }
  }

  @Test func imputes() throws {
    try expect(
      try run(
        "Imputer", ["imputed_value_floats": .floats([7, 8]), "replaced_value_float": .float(.nan)], value([Float.nan, .nan, 1, 2], [2, 2])),
      [Float(7), 8, 1, 2], [2, 2])
    try expect(
      try run("Imputer", ["imputed_value_int64s": .ints([9]), "replaced_value_int64": .int(-1)], value([Int64(-1), 0], [1, 2])),
      [Int64(9), 0],
      [1, 2])
    #expect(throws: PinionError.self) { try run("Imputer", [:], value([Float(1)], [1])) as Tensor }
  }

  @Test func binarizesAndExtracts() throws {
    try expect(try run("Binarizer", ["threshold": .float(1)], value([Float(1), 1.5, -2], [3])), [Float(0), 1, 0], [3])
    try expect(
      try run("ArrayFeatureExtractor", [:], value([Float(0), 1, 2, 3, 4, 5], [2, 3]), value([Int64(2), 0], [2])), [Float(2), 0, 5, 3],
      [2, 2])
    #expect(try (run("ArrayFeatureExtractor", [:], strings(["a", "b"]), value([Int64(1)], [1])) as Tensor).strings() == ["b"])
    #expect(throws: PinionError.self) { try run("ArrayFeatureExtractor", [:], value([Float(0)], [1]), value([Int64(1)], [1])) as Tensor }
    // An axis without elements has none to take, but its result has room for some.
    #expect(throws: PinionError.self) { try run("ArrayFeatureExtractor", [:], strings([]), value([Int64(0)], [1])) as Tensor }
  }

  @Test func joinsFeatures() throws {
    try expect(
      try run(
        "FeatureVectorizer", ["inputdimensions": .ints([3, 1])], value([Float(1), 2, 3, 4], [2, 2]), value([Int64(5), 6, 7, 8], [2, 2])),
      [Float(1), 2, 0, 5, 3, 4, 0, 7], [2, 4])
  }

  @Test func encodesLabels() throws {
    func encode(_ attributes: [String: AttributeValue], _ input: Value) throws -> Tensor { try run("LabelEncoder", attributes, input) }
    try expect(
      try encode(
        ["keys_strings": .strings(["a", "b"]), "values_int64s": .ints([0, 1]), "default_int64": .int(42)], strings(["b", "c"])),
      [Int64(1), 42], [2])
    try expect(
      try encode(["keys_floats": .floats([1, .nan]), "values_floats": .floats([10, 20])], value([Float.nan, 1, 2, -0.0], [4])),
      [Float(20), 10, 0, 0], [4])
    let tables: [String: AttributeValue] = [
      "keys_tensor": .tensor(try Tensor(vector: [Int64(3), 4])), "values_tensor": .tensor(try Tensor(strings: ["x", "y"], .vector(2))),
      "default_tensor": .tensor(try Tensor(strings: ["?"], .vector(1))),
    ]
    #expect(try encode(tables, value([Int64(4), 5], [2])).strings() == ["y", "?"])
    // Of ai.onnx.ml 1.
    let classes: [String: AttributeValue] = ["classes_strings": .strings(["a", "b"]), "default_int64": .int(-7)]
    try expect(try encode(classes, strings(["b", "z"])), [Int64(1), -7], [2])
    #expect(try encode(classes, value([Int64(0), 9], [2])).strings() == ["a", "_Unused"])
    #expect(throws: PinionError.self) { try encode(tables, strings(["a"])) }
  }

  @Test func encodesManyLabels() throws {
    let count = 1000
    let keys = (0..<count).map { Int64($0 * $0 - 500) }
    // Numbers that a product with 0x9E37_79B9_7F4A_7C15 takes to 0, 1, 2...: a table by its first bits would be searched from one place for all.
    var inverse: UInt64 = 0x9E37_79B9_7F4A_7C15
    for _ in 0..<5 { inverse = inverse &* (2 &- 0x9E37_79B9_7F4A_7C15 &* inverse) }
    #expect(inverse &* 0x9E37_79B9_7F4A_7C15 == 1)
    let crowded = (0..<UInt64(count)).map { Int64(bitPattern: $0 &* inverse) }
    for keys in [keys, crowded] {
      let values = keys.indices.map { Float($0) / 2 }
      let input = keys.reversed() + [-9, 5]
      try expect(
        try run(
          "LabelEncoder", ["keys_int64s": .ints(keys), "values_floats": .floats(values), "default_float": .float(-1)],
          value(input, [input.count])), values.reversed() + [-1, -1], [input.count])
    }
    let fractions = (0..<count).map { Float($0) / 8 }
    try expect(
      try run(
        "LabelEncoder", ["keys_floats": .floats(fractions + [0.125]), "values_int64s": .ints((0...Int64(count)).map { $0 })],
        value([Float(0.125), -0.0, 124.875, 125, .nan], [5])), [Int64(count), 0, Int64(count) - 1, -1, -1], [5])
  }

  @Test func mapsCategories() throws {
    let attributes: [String: AttributeValue] = ["cats_strings": .strings(["a", "b"]), "cats_int64s": .ints([4, 5])]
    try expect(try run("CategoryMapper", attributes, strings(["b", "c"])), [Int64(5), -1], [2])
    #expect(try (run("CategoryMapper", attributes, value([Int64(4), 6], [2])) as Tensor).strings() == ["a", "_Unused"])
    try expect(try run("OneHotEncoder", ["cats_int64s": .ints([1, 5])], value([Float(5), 2], [2])), [Float(0), 1, 0, 0], [2, 2])
    try expect(try run("OneHotEncoder", ["cats_strings": .strings(["a"])], strings(["a"])), [Float(1)], [1, 1])
    #expect(throws: PinionError.self) {
      try run("OneHotEncoder", ["cats_int64s": .ints([1]), "zeros": .int(0)], value([Int64(2)], [1])) as Tensor
    }
  }

  @Test func makesAndReadsDictionaries() throws {
    let maps = try run("ZipMap", ["classlabels_strings": .strings(["a", "b"])], [value([Float(1), 2, 3, 4], [2, 2])]).asSequence()
    #expect(maps.count == 2)
    guard case .map(let keys, let values) = maps[1] else { throw PinionError.internal("no map") }
    #expect(try keys.strings() == ["a", "b"])
    try expect(values, [Float(3), 4], [2])
    try expect(try run("DictVectorizer", ["string_vocabulary": .strings(["c", "b"])], maps[1]), [Float(0), 4], [1, 2])

    let map = Value.map(keys: try Tensor(vector: [Int64(3), 1]), values: try Tensor(vector: [Float(1.5), 2]))
    try expect(try run("CastMap", [:], map), [Float(2), 1.5], [1, 2])
    try expect(
      try run("CastMap", ["map_form": .string("SPARSE"), "max_map": .int(5), "cast_to": .string("TO_INT64")], map), [Int64(0), 2, 0, 1, 0],
      [1, 5])
    #expect(throws: PinionError.self) { try run("CastMap", ["map_form": .string("SPARSE"), "max_map": .int(2)], map) as Tensor }
  }
}
